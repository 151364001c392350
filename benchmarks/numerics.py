"""Error of log-probabilities, reward margins and gradients in bf16 against fp64.

XTuner's DPO class and MaskDPO, with its head in bf16 and in fp32, get the same bf16 weights and
the same pairs; all response tokens
are supervised, so that both compute the same number. The truth is the same weights in fp64: what
is measured is the computation, not the rounding of the weights. The policy is the reference with
each parameter moved by noise of 1 % of its standard deviation, the text is of the built-in
questions' documents.

    python benchmarks/numerics.py
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn
from transformers import AutoTokenizer
from xtuner.dataset.collate_fns.preference_collate_fn import preference_collate_fn
from xtuner.model.dpo import DPO
from xtuner.registry import BUILDER

from maskdpo_xtuner.builtin.elements import element_questions
from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.training import MaskDPO, mask_preference_collate_fn

NOISE = 0.01
PROMPT = 40
OURS: dict[str, Any] = {'reference': 'model'}


class XTunerDPO(DPO):  # type: ignore[misc]
    """XTuner's class, which also remembers the policy's log-probabilities of its last batch."""

    def get_logps(self, *args: Any) -> tuple[Tensor, ...]:
        """As XTuner's."""
        logps: tuple[Tensor, ...] = super().get_logps(*args)
        self.policy_logps = torch.stack(logps[:2]).squeeze(1)
        return logps


@dataclass(frozen=True)
class Result:
    """What a model computes of one pair.

    Attributes:
        logps: (2,) summed log-probability of the chosen and the rejected response.
        margin: reward margin.
        gradient: of the loss, by parameter name; None where it was not asked for.
    """

    logps: Tensor
    margin: float
    gradient: dict[str, Tensor] | None


SIDES: dict[str, tuple[type, dict[str, Any]]] = {
    'XTuner DPO': (XTunerDPO, {}),
    'MaskDPO': (MaskDPO, OURS),
    'MaskDPO, fp32 head': (MaskDPO, {**OURS, 'logits': {'fp32': True}}),
}


def build_model(kind: type, folder: Path, options: Mapping[str, Any]) -> Any:
    """A model in bf16; all of them get the same noise on the policy."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    fixed = {'llm': llm, 'beta': 0.1, 'use_activation_checkpointing': False}
    model = BUILDER.build(ConfigDict(type=kind, **fixed, **options))
    _move(model.llm)
    return model.bfloat16()


def _move(policy: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(NOISE * parameter.std() * noise)


def read_pairs(tokenizer: Any, length: int, pairs: int) -> Iterator[dict[str, Any]]:
    """Give pairs whose prompt has `PROMPT` and each response ``length`` tokens."""
    documents = dict.fromkeys(question.document for question in element_questions('train'))
    ids = tokenizer('\n\n'.join(documents), verbose=False)['input_ids']
    stride = (len(ids) - PROMPT - length) // (2 * pairs)
    for pair in range(pairs):
        item: dict[str, Any] = {}
        for number, side in enumerate(('chosen', 'rejected')):
            start = (2 * pair + number) * stride
            row = [*ids[:PROMPT], *ids[start + PROMPT : start + PROMPT + length]]
            item[f'{side}_ids'], item[f'{side}_labels'] = row, [-100] * PROMPT + row[PROMPT:]
            item[f'{side}_weights'] = [0.0] * PROMPT + [1.0] * length
        yield item


def compute(model: Any, item: dict[str, Any], with_gradient: bool) -> Result:
    """Run one pair through a model, in the batch that its class takes."""
    ours = isinstance(model, MaskDPO)
    collate = mask_preference_collate_fn if ours else preference_collate_fn
    data = collate([item])['data']
    with torch.set_grad_enabled(with_gradient):
        losses = model.compute_loss(data)
    gradient = None
    if with_gradient:
        losses['loss'].mean().backward()
        gradient = {name: value.grad for name, value in model.llm.named_parameters()}
        model.zero_grad(set_to_none=True)
    if isinstance(model, XTunerDPO):
        return Result(model.policy_logps.detach(), losses['reward_margin'].item(), gradient)
    sums = torch.stack([losses['logps/chosen'], losses['logps/rejected']])
    return Result(sums, losses['rewards/margins'].item(), gradient)


def errors(result: Result, truth: Result) -> dict[str, float]:
    """Errors of one pair: of the sums, of the margin, and of the gradient relative to its norm."""
    found = {
        'logps': (result.logps.double() - truth.logps).square().mean().sqrt().item(),
        'margin': result.margin - truth.margin,
        'wrong sign': float(result.margin * truth.margin <= 0),
    }
    if result.gradient is not None and truth.gradient is not None:
        pairs = [(result.gradient[name], true) for name, true in truth.gradient.items()]
        difference = sum((ours.double() - true).square().sum().item() for ours, true in pairs)
        norm = sum(true.square().sum().item() for _, true in pairs)
        found['gradient'] = math.sqrt(difference / norm)
    return found


def rms(values: Sequence[float]) -> float:
    """Root mean square."""
    return math.sqrt(sum(value * value for value in values) / len(values))


def report(name: str, length: int, found: Sequence[dict[str, float]]) -> None:
    """Print one line of the table."""
    columns = [rms([row[key] for row in found]) for key in ('logps', 'margin')]
    gradients = [row['gradient'] for row in found if 'gradient' in row]
    columns += [sum(row['wrong sign'] for row in found) / len(found), rms(gradients)]
    print(f'{length:6} {name:18} ' + ' '.join(f'{value:10.3f}' for value in columns), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--lengths', type=int, nargs='+', default=[100, 300, 800])
    parser.add_argument('--pairs', type=int, default=12, help='pairs of each length')
    parser.add_argument('--gradients', type=int, default=2, help='how many of them with gradient')
    options = parser.parse_args()
    folder = builtin_model()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    models = {side: build_model(kind, folder, more) for side, (kind, more) in SIDES.items()}
    exact = build_model(MaskDPO, folder, OURS).double()
    columns = ('logps', 'margin', 'wrong sign', 'gradient')
    print(f'{"tokens":6} {"model":18} ' + ' '.join(f'{name:>10}' for name in columns))
    for length in options.lengths:
        found: dict[str, list[dict[str, float]]] = {side: [] for side in models}
        margins = []
        for number, item in enumerate(read_pairs(tokenizer, length, options.pairs)):
            truth = compute(exact, item, number < options.gradients)
            margins.append(truth.margin)
            for side, model in models.items():
                computed = compute(model, item, number < options.gradients)
                found[side].append(errors(computed, truth))
        for side, rows in found.items():
            report(side, length, rows)
        print(f'{length:6} {"true margin":18} {"":10} {rms(margins):10.3f}')


if __name__ == '__main__':
    main()
