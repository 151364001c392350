"""Random items of the training data set, and what they mean by the plainest computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Item = Mapping[str, Any]


def random_items(seed: int, pairs: int = 3, vocabulary: int = 1000) -> list[dict[str, Any]]:
    """Pairs that share a prompt, and some of them the beginning of their responses too.

    Any response tokens are supervised, at least one a side, with random weights.
    """
    draw = torch.Generator().manual_seed(seed)

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=draw))

    def tokens(length: int) -> list[int]:
        return torch.randint(0, vocabulary, (length,), generator=draw).tolist()

    items = []
    for index in range(pairs):
        prompt, begin = tokens(number(1, 6)), tokens(number(0, 4))
        item: dict[str, Any] = {'place': f'pairs.jsonl:{index + 1}'}
        for side in ('chosen', 'rejected'):
            ids = prompt + begin + tokens(number(1, 9))
            supervised = torch.rand(len(ids), generator=draw) < 0.4
            supervised[: len(prompt)] = False
            supervised[number(len(prompt), len(ids))] = True
            weights = torch.rand(len(ids), generator=draw) * supervised
            marked = zip(ids, supervised.tolist(), strict=True)
            item[f'{side}_ids'] = ids
            item[f'{side}_labels'] = [token if kept else -100 for token, kept in marked]
            item[f'{side}_weights'] = weights.tolist()
        items.append(item)
    return items


def chosen_only(items: Sequence[Item]) -> list[dict[str, Any]]:
    """The same without their rejected sides."""
    return [
        {name: value for name, value in item.items() if not name.startswith('rejected_')}
        for item in items
    ]


def token_terms(
    logits_of: Callable[[Tensor], Tensor], items: Sequence[Item]
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Of each response, by itself and whole: log-distributions, ids and weights.

    The distributions, (supervised, vocab), are over the supervised tokens; ``logits_of`` gives the
    logits, (1, length, vocab), of ids, (1, length).
    """
    terms = []
    for item in items:
        for side in ('chosen', 'rejected'):
            ids = torch.tensor([item[f'{side}_ids']])
            kept = torch.tensor(item[f'{side}_labels'])[1:] != -100
            logs = logits_of(ids)[0, :-1][kept].log_softmax(-1)
            weights = torch.tensor(item[f'{side}_weights'])[1:][kept]
            terms.append((logs, ids[0, 1:][kept], weights))
    return terms


def plain_sums(
    policy: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], items: Sequence[Item]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weighted sums of each response, (responses,).

    Of log-ratios, of KL(reference || policy), of the policy's log-probabilities, and of weights.
    """
    rows = []
    with torch.no_grad():
        references = token_terms(reference, items)
    for (ours, ids, weights), (theirs, _, _) in zip(
        token_terms(policy, items), references, strict=True
    ):
        logps, others = (logs.gather(-1, ids.unsqueeze(-1)).squeeze(-1) for logs in (ours, theirs))
        divergences = (theirs.exp() * (theirs - ours)).sum(-1)
        terms = torch.stack((logps - others, divergences, logps, torch.ones_like(logps)))
        rows.append((terms * weights).sum(-1))
    ratios, divergences, logps, weights = torch.stack(rows).unbind(1)
    return ratios, divergences, logps, weights
