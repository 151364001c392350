"""Results of several evaluations side by side, where they may stand so."""
