"""From a batch to the log-probabilities of its supervised tokens."""
