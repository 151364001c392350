"""Tests mirror the package; a regular package, for some dependencies install a `tests` too."""
