"""A LoRA adapter and its base as one model folder, which every engine runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskdpo_xtuner.devices import find_dtype
from maskdpo_xtuner.engines.adapters import base_of, is_adapter, merge
from maskdpo_xtuner.engines.model_files import check_model, load_model, tokenizer_source
from maskdpo_xtuner.engines.saving import make_savable

DTYPES = ('auto', 'float32', 'bfloat16', 'float16')
DESCRIPTION = (
    'Write the model that a LoRA adapter makes of its base. The sums are made in fp32 and rounded '
    'once; the base is read as it was published, also under an adapter that was trained over 4-bit '
    'weights.'
)


def run_merge(args: Sequence[str]) -> int:
    """Merge by the arguments of ``maskdpo convert merge``; the status to exit with."""
    parser = argparse.ArgumentParser('maskdpo convert merge', description=DESCRIPTION)
    parser.add_argument('base', help='folder or hub name of the model that the adapter is over')
    parser.add_argument('adapter', type=Path, help='folder, as `maskdpo convert pth_to_hf` writes')
    parser.add_argument('folder', type=Path, help='of the model; one that holds no weights yet')
    parser.add_argument('--dtype', choices=DTYPES, default='auto', help="default: the base's")
    parser.add_argument('--device', default='cpu', help='to add on: cpu, cuda, auto (default: cpu)')
    parser.add_argument('--max-shard-size', default='5GB', help='of a file of weights')
    parser.add_argument('--trust-remote-code', action='store_true')
    options = vars(parser.parse_args(args))
    written = write_merged(**options)
    print(f'{options["folder"]}: {written}')
    return 0


def write_merged(
    base: str,
    adapter: Path,
    folder: Path,
    *,
    dtype: str = 'auto',
    device: str = 'cpu',
    max_shard_size: str = '5GB',
    trust_remote_code: bool = False,
) -> str:
    """Write the model of an adapter over its base, with the tokenizer of either.

    Args:
        base: folder or hub name.
        adapter: folder.
        folder: to write, with safetensors.
        dtype: of `DTYPES`; ``auto``: the one that the base's config names, else fp32.
        device: a torch device, or ``auto``.
        max_shard_size: of a file, as transformers reads it.
        trust_remote_code: whether code of the base's repository may run.

    Returns:
        What was written, in words.

    Raises:
        ValueError: for folders that are not what they should be, and for sums that are not finite.
    """
    _check_folders(base, adapter, folder)
    source = {
        'pretrained_model_name_or_path': base,
        'revision': None,
        'trust_remote_code': trust_remote_code,
    }
    model = merge(load_model('AutoModelForCausalLM', source, 'float32', device), str(adapter))
    model = model.to(_torch_dtype(source, dtype))
    make_savable(model.generation_config)
    model.save_pretrained(folder, max_shard_size=max_shard_size, safe_serialization=True)
    _save_tokenizer(source, adapter, folder)
    return _check_written(folder, str(model.dtype).removeprefix('torch.'))


def _torch_dtype(source: Mapping[str, Any], dtype: str) -> Any:
    from transformers import AutoConfig

    if dtype != 'auto':
        return find_dtype(dtype)
    own = getattr(AutoConfig.from_pretrained(**source), 'torch_dtype', None)
    return own or find_dtype('float32')


def _check_folders(base: str, adapter: Path, folder: Path) -> None:
    check_model(base, 'BASE')
    if not is_adapter(str(adapter)):
        raise ValueError(
            f'{adapter}: this is no folder of a LoRA adapter (no adapter_config.json, or a whole '
            'model); write one by `maskdpo convert pth_to_hf CONFIG CHECKPOINT FOLDER`'
        )
    if any(folder.glob('*.safetensors')) or any(folder.glob('*.bin')):
        raise ValueError(f'{folder}: there are weights already; name another folder')
    own, _ = base_of(str(adapter))
    if _place(own) != _place(base):
        print(f'note: {adapter} names another base than {base}: {own}', file=sys.stderr)


def _place(model: str) -> str:
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def _save_tokenizer(source: Mapping[str, object], adapter: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        **tokenizer_source({**source, 'adapter': str(adapter)})
    )
    tokenizer.save_pretrained(folder)


def _check_written(folder: Path, dtype: str) -> str:
    """Read the headers of the weights; say how many there are, and in which format."""
    found = list(_formats(folder))
    name = {'float32': 'F32', 'bfloat16': 'BF16', 'float16': 'F16'}.get(dtype, dtype)
    if name not in found:
        raise ValueError(f'{folder}: the weights are not in {dtype}, but in {set(found) or "none"}')
    return f'{len(found)} tensors in {dtype}'


def _formats(folder: Path) -> Iterator[str]:
    from safetensors import safe_open

    for path in sorted(folder.glob('*.safetensors')):
        with safe_open(path, framework='pt') as file:
            for name in file.keys():  # noqa: SIM118 - it is no dict
                yield str(file.get_slice(name).get_dtype())
