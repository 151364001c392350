"""``--cfg-options`` as they were meant: paths as they are, and no setting that nothing reads."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

OF_XTUNER = frozenset(
    {
        *('tokenizer', 'strategy', 'runner_type', 'framework', 'custom_imports', 'compile'),
        *('use_varlen_attn', 'sequence_parallel', 'sequence_parallel_size', 'resources'),
        *('activation_checkpointing', 'efficient_conv_bn_eval', 'model_wrapper_cfg'),
        *('find_unused_parameters', 'runner_cfg', 'cudnn_benchmark', 'mp_start_method'),
    }
)


def read_options_exactly() -> None:
    """Have options merged as the command line has them.

    mmengine makes a list of a value with a comma and takes the spaces out of every value, also
    where it is the path of a file; and a name at the top of a config that nothing reads is merged
    like any other.
    """
    merge = Config.merge_from_dict
    if hasattr(merge, '__wrapped__'):
        return

    @wraps(merge)
    def merge_from_dict(self: Config, options: Mapping[str, Any], *args: Any, **kw: Any) -> None:
        if 'train_dataloader' in self:
            options = with_paths(options, sys.argv)
            refuse_unknown(options, self)
        merge(self, options, *args, **kw)

    Config.merge_from_dict = merge_from_dict


def with_paths(options: Mapping[str, Any], argv: Sequence[str]) -> dict[str, Any]:
    """Put back the values that are, as the command line has them, paths of what exists.

    Args:
        options: dotted keys and values, as mmengine has read them.
        argv: the command line.
    """
    given = dict(arg.partition('=')[::2] for arg in argv if '=' in arg)
    texts = [key for key, value in options.items() if isinstance(value, (str, list, tuple))]
    return {**options, **{key: given[key] for key in texts if _is_path(given.get(key))}}


def _is_path(value: str | None) -> bool:
    try:
        return bool(value) and Path(str(value)).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a character of none
        return False


def refuse_unknown(options: Mapping[str, Any], cfg: Config) -> None:
    """Refuse names that a training config does not have at its top.

    Args:
        options: dotted keys and values.
        cfg: the config that they are merged into.

    Raises:
        ValueError: with the settings of that name elsewhere, or of a similar one.
    """
    known = {*cfg, *OF_XTUNER, *inspect.signature(Runner.__init__).parameters}
    for key in options:
        if key.partition('.')[0] not in known:
            raise ValueError(f'--cfg-options {key}: nothing reads this setting{_hint(key, cfg)}')


def _hint(key: str, cfg: Config) -> str:
    keys = list(_dotted(cfg._cfg_dict))
    same = [each for each in keys if each.rpartition('.')[2] == key]
    near = same or difflib.get_close_matches(key, keys, n=2, cutoff=0.7)
    return f'; did you mean {" or ".join(near)}?' if near else ''


def _dotted(value: Mapping[str, Any], before: str = '') -> Iterator[str]:
    for name, part in value.items():
        yield f'{before}{name}'
        if isinstance(part, Mapping):
            yield from _dotted(part, f'{before}{name}.')
