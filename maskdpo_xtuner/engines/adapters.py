"""LoRA adapters as peft writes them: a folder with ``adapter_config.json``, over a base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG = 'adapter_config.json'


def is_adapter(model: str) -> bool:
    """Tell whether a model is a folder with an adapter and nothing to run it on."""
    folder = Path(model)
    return (folder / CONFIG).is_file() and not (folder / 'config.json').is_file()


def base_of(adapter: str) -> tuple[str, str | None]:
    """Folder or hub name of the model that an adapter belongs to, and its revision.

    Raises:
        ValueError: when the adapter does not name it.
    """
    path = Path(adapter) / CONFIG
    config = json.loads(path.read_text(encoding='utf-8'))
    base = config.get('base_model_name_or_path')
    if not base:
        raise ValueError(f'{path}: base_model_name_or_path is missing; name the model it is over')
    return str(base), config.get('revision')


def merge(base: Any, adapter: str) -> Any:
    """Add an adapter to the weights of a loaded model, in memory: it costs nothing afterwards.

    Raises:
        ValueError: for an adapter of another model, and for sums that are not finite.
    """
    from maskdpo_xtuner.engines.triton_ops import supply_triton_ops

    supply_triton_ops()
    from peft import PeftModel

    try:
        adapted = PeftModel.from_pretrained(base, adapter)
    except RuntimeError as error:
        raise ValueError(
            f'{adapter}: the adapter does not fit {base.config.name_or_path} '
            f'({" ".join(str(error).split())[:300]})'
        ) from error
    return adapted.merge_and_unload(safe_merge=True)
