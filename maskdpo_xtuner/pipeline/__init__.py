"""The stages that turn questions into preference pairs: sample, annotate, pair."""
