"""Models that transformers would not save as they are."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any


def make_savable(config: Any) -> bool:
    """Make a generation config one that transformers will save.

    Some models come with a temperature, ``top_p`` or ``top_k`` and no ``do_sample``; transformers
    reads that and refuses to write it. Here such a config is taken to mean sampling.

    Args:
        config: of a model; None for one without.

    Returns:
        Whether it was changed.

    Raises:
        ValueError: when something else keeps it from being saved.
    """
    if config is None or _problem(config) is None:
        return False
    config.do_sample = True
    problem = _problem(config)
    if problem is not None:
        raise ValueError(
            'the generation_config.json of the base model could not be saved with the trained one; '
            f'correct it: {problem}'
        )
    return True


def _problem(config: Any) -> str | None:
    """Say why a generation config cannot be saved; None for one that can."""
    with TemporaryDirectory() as folder:
        try:
            config.save_pretrained(folder)
        except ValueError as error:
            return ' '.join(str(error).split())
    return None
