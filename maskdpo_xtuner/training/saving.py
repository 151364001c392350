"""What would keep a trained model from being written, mended before it is trained."""

from __future__ import annotations

import logging
from typing import Any

from mmengine.logging import print_log

from maskdpo_xtuner.engines.saving import make_savable
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
    """Make a model's generation config one that transformers will save, and say so.

    Args:
        llm: a causal language model of transformers, with LoRA or without.

    Raises:
        ValueError: when that is not what it wants to be changed.
    """
    if make_savable(causal_lm(llm).generation_config):
        print_log(
            'The generation_config.json of the base model names how to sample, but not do_sample, '
            'and could not be saved so; the trained model gets do_sample=true beside it',
            logger='current',
            level=logging.WARNING,
        )
