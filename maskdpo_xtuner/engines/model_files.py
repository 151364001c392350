"""Models by folder or by name on the hub, and what tells two of them apart."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdpo_xtuner.allocator import keep_freed_memory
from maskdpo_xtuner.builtin.remembering import remembered
from maskdpo_xtuner.deprecations import keep_quiet_about_torch_dtype
from maskdpo_xtuner.devices import find_device, find_dtype
from maskdpo_xtuner.engines.adapters import base_of, is_adapter, merge
from maskdpo_xtuner.hashing import file_sha256

# Weights, configuration and tokenizer; other files of a model folder do not change an answer.
MODEL_FILES = ('*.safetensors', '*.bin', '*.gguf', '*.json', '*.jinja', '*.model', '*.txt', '*.py')
WORTH_REMEMBERING = 16 << 20  # bytes; less is hashed in milliseconds
# What transformers and torch raise over weights that are cut, damaged, or of another shape.
_UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError)
SETTLED = 2_000_000_000  # ns


def check_model(model: str, key: str = 'the path', *, adapters: bool = False) -> None:
    """Refuse what is meant as a model folder and is none, before the hub is asked for it.

    Args:
        model: a folder, or a name on the hub.
        key: of the config, for the error.
        adapters: whether the folder may hold a LoRA adapter, whose base is checked then.

    Raises:
        ValueError: saying what is missing.
    """
    check_folder(model, key)
    folder = Path(model)
    if is_adapter(model):
        if not adapters:
            raise ValueError(
                f'{model}: this is a LoRA adapter, which the engine transformers alone runs over '
                'its base; merge it first (`maskdpo convert merge BASE ADAPTER FOLDER`)'
            )
        check_model(base_of(model)[0], f'base_model_name_or_path of {model}')
    elif folder.is_dir() and not (folder / 'config.json').is_file():
        raise ValueError(f'{model}: this folder holds no config.json; correct {key}')


def check_folder(model: str, key: str = 'the path') -> None:
    """Refuse a local path where there is no folder; as `check_model`, also for a tokenizer."""
    if not isinstance(model, str):
        raise ValueError(f'{key}: {model!r} is not the name of a model, a text; correct it')
    looks_local = model.startswith(('/', '.', '~')) or model.count('/') > 1
    if looks_local and not Path(model).is_dir():
        raise ValueError(
            f'{model}: there is no such model folder; correct {key} (the built-in model is made by '
            '`python -m maskdpo_xtuner.builtin.model`)'
        )


def name_and_revision(model: str, revision: str | None, trust_remote_code: bool) -> tuple[str, str]:
    """Name a model so that the same name and revision always mean the same weights.

    Returns:
        The folder's name and the hash of its model files, or the name on the hub and the commit.
        An adapter's hash and its base's commit are joined by a plus sign.

    Raises:
        ValueError: when there is no such model, or the hub names no commit.
    """
    folder = Path(model)
    if is_adapter(model):
        _, base = name_and_revision(*base_of(model), trust_remote_code)
        return folder.resolve().name, f'{digest_folder(folder)}+{base}'
    if folder.is_dir():
        return folder.resolve().name, digest_folder(folder)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            model, revision=revision, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError) as error:
        _refuse_unknown_kind(model, error)
        raise ValueError(f'{model}: no model can be read there ({error})') from error
    if config._commit_hash is None:
        raise ValueError(
            f'{model}: its commit is not known, so its results could not be told from those of '
            'other weights; name a local folder of the model'
        )
    return model, str(config._commit_hash)


def model_source(model: str, commit: str, trust_remote_code: bool) -> dict[str, Any]:
    """Give what `load_model` and `tokenizer_source` take to read what `name_and_revision` named."""
    if is_adapter(model):
        base = model_source(base_of(model)[0], commit.rpartition('+')[2], trust_remote_code)
        return {**base, 'adapter': model}
    return {
        'pretrained_model_name_or_path': model,
        'revision': None if Path(model).is_dir() else commit,
        'trust_remote_code': trust_remote_code,
    }


def tokenizer_source(source: Mapping[str, Any]) -> dict[str, Any]:
    """Give what ``from_pretrained`` takes for the tokenizer: an adapter's own, or its base's."""
    adapter = source.get('adapter')
    plain = {key: value for key, value in source.items() if key != 'adapter'}
    if adapter and (Path(adapter) / 'tokenizer_config.json').is_file():
        return {**plain, 'pretrained_model_name_or_path': adapter, 'revision': None}
    return plain


def load_causal_lm(source: Mapping[str, Any], dtype: str, device: str) -> Any:
    """Load a causal model for inference, as `load_model` does."""
    return load_model('AutoModelForCausalLM', source, dtype, device)


def load_model(kind: str, source: Mapping[str, Any], dtype: str, device: str) -> Any:
    """Load a model for inference, an adapter merged into it.

    Args:
        kind: name of the class of transformers that loads it.
        source: of `model_source`.
        dtype: of `maskdpo_xtuner.devices.DTYPES`.
        device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.

    Raises:
        ValueError: for a dtype that is none, a device that is not there, and for weights that
            cannot be read.
    """
    import transformers
    from safetensors import SafetensorError

    device, torch_dtype = find_device(device), find_dtype(dtype)
    if device == 'cpu':
        keep_freed_memory()
    keep_quiet_about_torch_dtype()
    loader = getattr(transformers, kind)
    plain = {key: value for key, value in source.items() if key != 'adapter'}
    try:
        model = loader.from_pretrained(**plain, torch_dtype=torch_dtype)
    except (*_UNREADABLE, SafetensorError) as error:
        _refuse_unknown_kind(source['pretrained_model_name_or_path'], error)
        raise ValueError(
            f'{source["pretrained_model_name_or_path"]}: the model cannot be loaded '
            f'({" ".join(str(error).split())[:300]}); a file of it may be cut, damaged or of '
            'another model: get it again'
        ) from error
    if 'adapter' in source:
        model = merge(model, source['adapter'])
    return model.to(device).eval()


def _refuse_unknown_kind(model: str, error: Exception) -> None:
    """Say of a model that is newer than transformers that it is, and not that it is damaged."""
    said = ' '.join(str(error).split())
    if 'does not recognize this architecture' in said:
        from transformers import __version__

        kind = said.partition('`')[2].partition('`')[0]
        raise ValueError(
            f'{model}: transformers {__version__} does not know models of the type {kind}; '
            'install a newer one (requirements.lock has those that are tested)'
        ) from error


def cache_bytes(config: Any, dtype: Any) -> int:
    """Bytes of the keys and values of one token, by a model's config and torch dtype."""
    heads = config.num_attention_heads
    shared = getattr(config, 'num_key_value_heads', None) or heads
    size = getattr(config, 'head_dim', None) or config.hidden_size // heads
    return int(2 * config.num_hidden_layers * shared * size * dtype.itemsize)


def digest_folder(folder: Path) -> str:
    """SHA-256 over names and contents of the model files of a folder."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)}):
        digest.update(f'{path.name}\0{_sha256(path)}\0'.encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    """SHA-256 of a file; that of a large one is remembered while its inode does not change.

    Size, both times and the number of the inode tell, as they do for git: a file that is written
    again has another ctime, whatever is done to its mtime. One that was changed just now is not
    remembered: another change within the clock's step would not be seen.
    """
    found = path.stat()
    age = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns)
    if found.st_size < WORTH_REMEMBERING or age < SETTLED:
        return file_sha256(path)
    fields = ('st_size', 'st_mtime_ns', 'st_ctime_ns', 'st_ino', 'st_dev')
    state = {field: getattr(found, field) for field in fields}
    digest: str = remembered('hashes', str(path.resolve()), state, lambda: file_sha256(path))
    return digest
