"""Running the reference model over pairs, once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.registry import MODELS
from peft import prepare_model_for_kbit_training
from transformers.integrations import deepspeed as hf_deepspeed
from xtuner.model.sft import SupervisedFinetune

from maskdpo_xtuner.modeling.checking import check_forward
from maskdpo_xtuner.modeling.forward import supervised_logps
from maskdpo_xtuner.training.adapters import refers_to_start, trains_adapter
from maskdpo_xtuner.training.reference.precision import Precision

Item = Mapping[str, Any]
CollateFunction = Callable[[Sequence[Item]], dict[str, Any]]

TOKENS_PER_BATCH = 8192
OF_POLICY_ONLY = frozenset(
    {
        *('beta', 'loss_type', 'label_smoothing', 'loss_options'),
        *('lora', 'peft_model', 'peft_reference', 'ref_llm', 'reference'),
        'use_activation_checkpointing',
    }
)
OF_START = frozenset({'lora', 'peft_model'})


def reference_config(model: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the reference model alone, from the config of a `MaskDPO`.

    It is the policy as it is loaded, with the adapter of ``peft_model``, or ``ref_llm``, to which
    XTuner does not apply ``tokenizer`` (which enlarges the vocabulary of the policy).
    """
    dropped = OF_POLICY_ONLY - OF_START if refers_to_start(model) else OF_POLICY_ONLY
    config = {key: value for key, value in model.items() if key not in dropped}
    if model.get('ref_llm') is not None:
        config['llm'] = model['ref_llm']
        config.pop('tokenizer', None)
    return copy.deepcopy(config)


def is_base_of_lora(model: Mapping[str, Any]) -> bool:
    """Tell whether the reference of a `MaskDPO` is the model beneath its LoRA alone."""
    return trains_adapter(model) and model.get('ref_llm') is None and not refers_to_start(model)


def build_reference(model: Mapping[str, Any], precision: Precision) -> Any:
    """Build the reference model as training with ``reference='model'`` would hold it.

    It is loaded whole on the device of this process, under ZeRO-3 too; the random state is left
    as it was.

    Args:
        model: config of a `MaskDPO`.
        precision: of the training.
    """
    config = reference_config(model)
    # Sees that ZeRO-3 is on, which the block below hides.
    SupervisedFinetune._prepare_for_qlora_zero3(config['llm'])
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices), _without_partitioning():
        built = MODELS.build(
            {**config, 'reference': 'cached', 'use_activation_checkpointing': False}
        )
    if is_base_of_lora(model):
        # As XTuner does before it adds the adapters: fp16 and bf16 weights become fp32.
        prepare_model_for_kbit_training(built.llm, use_gradient_checkpointing=False)
    if precision.cast is not None:
        built.to(dtype=precision.cast)
    return built.to(get_device()).eval()


@contextmanager
def _without_partitioning() -> Iterator[None]:
    """Keep ``from_pretrained`` from dividing parameters among processes under ZeRO-3."""
    weak = hf_deepspeed._hf_deepspeed_config_weak_ref
    hf_deepspeed.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        hf_deepspeed._hf_deepspeed_config_weak_ref = weak


class ReferenceModel:
    """Gives log-probabilities of the supervised tokens of items.

    Args:
        model: config of a `MaskDPO`.
        precision: of the training.
        collate_fn: of the training's data loader.
    """

    def __init__(
        self, model: Mapping[str, Any], precision: Precision, collate_fn: CollateFunction
    ) -> None:
        self.model = build_reference(model, precision)
        self.autocast = precision.autocast
        self.collate_fn = collate_fn
        self._is_checked = False

    def logps(self, items: Sequence[Item]) -> list[tuple[list[float], list[float]]]:
        """Give the values of chosen and rejected of each item, fp32, in the order of the tokens.

        Raises:
            ValueError: naming the place of a pair whose values are not finite.
        """
        return [row for batch in token_batches(items) for row in self._batch_logps(batch)]

    def _batch_logps(self, items: Sequence[Item]) -> Iterator[tuple[list[float], list[float]]]:
        data = self.model.data_preprocessor(self.collate_fn(items))['data']
        responses = self._forward(data).float().cpu().split(data['counts'].tolist())
        for item, chosen, rejected in zip(items, responses[::2], responses[1::2], strict=True):
            if not (chosen.isfinite().all() and rejected.isfinite().all()):
                raise ValueError(
                    f'{item["place"]}: the reference model gives log-probabilities that are not '
                    'finite; look at its weights, or compute in another dtype'
                )
            yield chosen.tolist(), rejected.tolist()

    @torch.no_grad()
    def _forward(self, data: dict[str, torch.Tensor]) -> torch.Tensor:
        device = data['input_ids'].device.type
        with torch.autocast(device, dtype=self.autocast, enabled=self.autocast is not None):
            if not self._is_checked:
                check_forward(self.model.llm, data, self.model.logits)
                self._is_checked = True
            return supervised_logps(self.model.llm, data, self.model.logits)


def token_batches(
    items: Sequence[Item], max_tokens: int = TOKENS_PER_BATCH
) -> Iterator[list[Item]]:
    """Cut consecutive items into batches of at most ``max_tokens`` tokens, padding included."""
    batch: list[Item] = []
    longest = 0
    for item in items:
        own = max(len(item['chosen_ids']), len(item['rejected_ids']))
        if batch and 2 * (len(batch) + 1) * max(longest, own) > max_tokens:
            yield batch
            batch, longest = [], 0
        batch.append(item)
        longest = max(longest, own)
    if batch:
        yield batch
