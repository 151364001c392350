"""Benchmarks that others have written, handed over to them: nothing is measured here."""
