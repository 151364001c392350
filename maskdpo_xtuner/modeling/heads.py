"""The two halves of a causal language model: its decoder, and the head that makes logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def causal_lm(llm: Any) -> Any:
    """The model inside of a LoRA wrapper, or the model itself."""
    return llm.get_base_model() if hasattr(llm, 'get_base_model') else llm


def text_config(llm: Any) -> Any:
    """The config of the language model, which in a model of several kinds is a part of the whole.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
    """
    return causal_lm(llm).config.get_text_config(decoder=True)


def decoder(llm: Any) -> Any:
    """The model without its head, or the whole model where the head is not apart.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
    """
    model = causal_lm(llm)
    found = model.get_decoder() if hasattr(model, 'get_decoder') else None
    # Where transformers knows of no decoder it gives None, or the whole model.
    return model.base_model if found is None or found is model else found


def decoder_layers(llm: Any) -> nn.ModuleList:
    """The layers of the decoder, in order; none where they cannot be told.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
    """
    count = text_config(llm).num_hidden_layers
    lists = (part for part in decoder(llm).children() if isinstance(part, nn.ModuleList))
    return next((part for part in lists if len(part) == count), nn.ModuleList())


def hidden_states(llm: Any, inputs: dict[str, Any]) -> Tensor:
    """The hidden states that the head reads, (rows, length, hidden size).

    Raises:
        ValueError: for a model that does not give them, with what to set.
    """
    states: Tensor | None = getattr(decoder(llm)(**inputs), 'last_hidden_state', None)
    if states is None:
        raise ValueError(
            f'{type(causal_lm(llm)).__name__} does not give the hidden states that its head reads; '
            'set model.logits.supervised_only=False'
        )
    return states


def output_logits(llm: Any, hidden: Tensor, *, fp32: bool = False) -> Tensor:
    """The model's own logits of hidden states, with what it does to them after the head.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        hidden: (..., hidden size).
        fp32: multiply in fp32, whatever the dtype of head and hidden states.

    Returns:
        (..., vocab): scaled in Cohere and Granite, soft-capped in Gemma.
    """
    head, config = causal_lm(llm).get_output_embeddings(), text_config(llm)
    logits: Tensor = _fp32_product(head, hidden) if fp32 else head(hidden)
    logits = logits * getattr(config, 'logit_scale', 1.0)
    logits = logits / getattr(config, 'logits_scaling', 1.0)
    cap = getattr(config, 'final_logit_softcapping', None)
    return logits if cap is None else cap * torch.tanh(logits / cap)


def check_head(llm: Any, input_ids: Tensor) -> None:
    """Compare the logits of decoder and head apart with the model's own on a few tokens.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        input_ids: (rows, length), of which the first four tokens of a row are taken.

    Raises:
        ValueError: for a model that does something to its logits that is not known here.
    """
    inputs, training = {'input_ids': input_ids[:1, :4]}, llm.training
    llm.eval()  # Dropout would tell them apart.
    with torch.no_grad():
        whole = llm(**inputs).logits.float()
        apart = _logits_apart(llm, inputs).float()
    llm.train(training)
    # Autocast remembers the weights that it cast here, where they take no gradient.
    torch.clear_autocast_cache()
    # NaN is no reason here: the loss will name the pairs that it comes with.
    apart, whole = apart.nan_to_num(), whole.nan_to_num()
    atol = 1e-2 * float(whole.abs().max())
    if apart.shape != whole.shape or not torch.allclose(apart, whole, rtol=1e-2, atol=atol):
        raise ValueError(_unknown_head(llm))


def _logits_apart(llm: Any, inputs: dict[str, Any]) -> Tensor:
    """The logits of decoder and head, of inputs that the whole model has just taken."""
    try:
        return output_logits(llm, hidden_states(llm, inputs))
    except (AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(_unknown_head(llm, f' ({type(error).__name__}: {error})')) from error


def _unknown_head(llm: Any, detail: str = '') -> str:
    return (
        f'{type(causal_lm(llm)).__name__} does something to its logits that is not known{detail}; '
        'set model.logits.supervised_only=False'
    )


def _fp32_product(head: Any, hidden: Tensor) -> Tensor:
    if type(head) is not nn.Linear or hasattr(head.weight, 'ds_id'):
        raise ValueError(
            f'logits.fp32 needs a plain linear head, not {type(head).__name__} with adapters or '
            'quantization, and no ZeRO-3; set model.logits.fp32=False'
        )
    with torch.autocast(hidden.device.type, enabled=False):
        bias = None if head.bias is None else head.bias.float()
        return F.linear(hidden.float(), head.weight.float(), bias)
