"""What a training says of itself: before its first step, at every step, when it fails."""
