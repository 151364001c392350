"""Pairs to batches: which pairs, and how they lie in the rows that the model reads."""
