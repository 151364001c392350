"""What would keep a trained model from being written, mended before it is trained."""

from __future__ import annotations

import logging
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.logging import print_log

from maskdpo_xtuner.modeling.heads import causal_lm


def say_format(llm: Any, fp32: bool) -> None:
    """Log the number format that a model is written in, which is the one it was built in.

    Args:
        llm: the trained model.
        fp32: whether fp32 was asked for.
    """
    dtype = causal_lm(llm).get_output_embeddings().weight.dtype
    name = str(dtype).removeprefix('torch.')
    wider = name != 'float32' and fp32
    hint = '; model.llm.torch_dtype=torch.float32 among the --cfg-options writes fp32'
    print_log(
        f'Writing the weights in {name}, as the config loads the base{hint if wider else ""}',
        logger='current',
        level=logging.WARNING if wider else logging.INFO,
    )


def mend_generation_config(llm: Any) -> None:
    """Make a model's generation config one that transformers will save.

    Some models come with a temperature, ``top_p`` or ``top_k`` and no ``do_sample``; transformers
    reads that and refuses to write it. Here such a config is taken to mean sampling.

    Args:
        llm: a causal language model of transformers, with LoRA or without.

    Raises:
        ValueError: when that is not what it wants to be changed.
    """
    config = causal_lm(llm).generation_config
    problem = None if config is None else _problem(config)
    if problem is None:
        return
    config.do_sample = True
    if _problem(config) is not None:
        raise ValueError(
            'the generation_config.json of the base model could not be saved with the trained one; '
            f'correct it: {problem}'
        )
    print_log(
        'The generation_config.json of the base model names how to sample, but not do_sample, and '
        'could not be saved so; the trained model gets do_sample=true beside it',
        logger='current',
        level=logging.WARNING,
    )


def _problem(config: Any) -> str | None:
    """Say why a generation config cannot be saved; None for one that can."""
    with TemporaryDirectory() as folder:
        try:
            config.save_pretrained(folder)
        except ValueError as error:
            return ' '.join(str(error).split())
    return None
