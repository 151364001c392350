"""Paths of pretrained models, checked before a library answers with something obscure."""

from __future__ import annotations

from pathlib import Path


def check_pretrained(name_or_path: str) -> None:
    """Refuse a local path where there is no folder; names on a model hub pass.

    Raises:
        ValueError: naming the path and the mend.
    """
    looks_local = name_or_path.startswith(('/', '.', '~')) or name_or_path.count('/') > 1
    if looks_local and not Path(name_or_path).is_dir():
        raise ValueError(
            f'there is no model folder {name_or_path}; correct pretrained_model_name_or_path of '
            'model.llm and of tokenizer (or make the built-in model with '
            '`python -m maskdpo_xtuner.builtin.model`)'
        )
