"""Preference pairs from files to token ids and labels, cached and memory-mapped."""
