"""Models by folder or by name on the hub, and what tells two of them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdpo_xtuner.hashing import file_sha256

# Weights, configuration and tokenizer; other files of a model folder do not change an answer.
MODEL_FILES = ('*.safetensors', '*.bin', '*.json', '*.jinja', '*.model', '*.txt', '*.py')


def check_model(model: str) -> None:
    """Refuse what is meant as a model folder and is none, before the hub is asked for it.

    Raises:
        ValueError: saying what is missing.
    """
    folder = Path(model)
    if folder.is_dir():
        if not (folder / 'config.json').is_file():
            raise ValueError(f'{model}: this folder holds no config.json; name the model folder')
    elif model.startswith(('/', '.', '~')) or model.count('/') > 1:
        raise ValueError(
            f'{model}: there is no such model folder; check the path (the built-in model is made '
            'by `python -m maskdpo_xtuner.builtin.model`)'
        )


def name_and_revision(model: str, revision: str | None, trust_remote_code: bool) -> tuple[str, str]:
    """Name a model so that the same name and revision always mean the same weights.

    Returns:
        The folder's name and the hash of its model files, or the name on the hub and the commit.

    Raises:
        ValueError: when there is no such model.
    """
    from transformers import AutoConfig

    folder = Path(model)
    try:
        config = AutoConfig.from_pretrained(
            model, revision=revision, trust_remote_code=trust_remote_code
        )
    except OSError as error:
        raise ValueError(f'{model}: no model can be read there ({error})') from error
    if folder.is_dir():
        return folder.resolve().name, digest_folder(folder)
    return model, str(config._commit_hash)


def model_source(model: str, commit: str, trust_remote_code: bool) -> dict[str, Any]:
    """What transformers' ``from_pretrained`` takes to read what `name_and_revision` named."""
    return {
        'pretrained_model_name_or_path': model,
        'revision': None if Path(model).is_dir() else commit,
        'trust_remote_code': trust_remote_code,
    }


def load_causal_lm(source: Mapping[str, Any], dtype: str, device: str) -> Any:
    """Load a model for inference.

    Args:
        source: of `model_source`.
        dtype: name of the torch dtype of the weights.
        device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.
    """
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(**source, torch_dtype=getattr(torch, dtype))
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    return model.to(device).eval()


def digest_folder(folder: Path) -> str:
    """SHA-256 over names and contents of the model files of a folder."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)}):
        digest.update(f'{path.name}\0{file_sha256(path)}\0'.encode())
    return digest.hexdigest()
