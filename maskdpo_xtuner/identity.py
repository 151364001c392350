"""What determines the results of an engine, an annotator, a rule or a splitter: its to say."""

from __future__ import annotations

from typing import Any


def identity_of(thing: Any) -> dict[str, str]:
    """Give the attribute ``identity``, a mapping; empty for a thing that says nothing.

    Results are remembered and work dirs are reused by what is in it: name, version, revision of a
    model, hash of a prompt, whatever changes the results when it changes.
    """
    return dict(getattr(thing, 'identity', None) or {})
