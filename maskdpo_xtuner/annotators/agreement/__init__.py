"""Several annotators as one, whose verdicts are those that all of them agree on."""
