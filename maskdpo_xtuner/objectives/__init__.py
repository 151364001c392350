"""Preference objectives as pure functions of summed log-probabilities."""
