"""Factuality metrics with intervals."""
