"""A look at the first batch: does this model, here and now, compute what the loss is made of?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from maskdpo_xtuner.modeling.attention import PLAIN_LAYOUT, ordinary_attention
from maskdpo_xtuner.modeling.forward import (
    LogitsSettings,
    supervised_hidden_states,
    supervised_logps,
)
from maskdpo_xtuner.modeling.heads import causal_lm, check_head
from maskdpo_xtuner.modeling.layers import check_scores
from maskdpo_xtuner.objectives.logps import chunked_token_logps

Data = Mapping[str, Tensor]

ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 0.02, torch.bfloat16: 0.1}
"""Mean error of log-probabilities that another order of the same sums may make, as a share."""
LEAK = 1e-3
"""The same where only tokens differ that must not be seen: sums and their order are the same."""


def check_forward(llm: nn.Module, data: Data, settings: LogitsSettings) -> None:
    """Compare a model's shortcuts with the plain computation, on a batch that it will train on.

    The head apart is compared with the model's own logits (`check_head`), and a packed pair with
    each of its responses alone (`check_sequences`); an attention that leaves something out of the
    model, with and without shortcuts, is refused (`check_scores`).

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        data: of `mask_preference_collate_fn`.
        settings: how logits are made.

    Raises:
        ValueError: where they differ, with what to set.
    """
    check_scores(llm)
    if settings.supervised_only:
        check_head(llm, data['input_ids'])
    if len(data.get('sequences', ())) > 1:
        check_sequences(llm, data, settings)


def check_sequences(llm: nn.Module, data: Data, settings: LogitsSettings) -> None:
    """Compare the longest pair of a batch as it is packed with its two responses alone.

    Args:
        llm: see `check_forward`.
        data: with ``sequences``, two at least: the responses of pairs, or chosen ones.
        settings: see `check_forward`.

    Raises:
        ValueError: when log-probabilities differ by more than rounding, or when the second
            response changes with the first.
    """
    pair = _longest_pair(data)
    with _evaluation(llm):
        packed = _packed_logps(llm, pair, settings)
        with ordinary_attention(llm):
            alone = _logps_alone(llm, pair, settings)
        other = supervised_logps(llm, _with_another_first(pair), settings)
    first = int(pair['counts'][0])
    _compare(llm, packed, alone, ROUNDING[compute_dtype(llm)], 'what they are alone')
    _compare(llm, packed[first:], other[first:], LEAK, 'the same after another first response')


def compute_dtype(llm: nn.Module) -> torch.dtype:
    """The format that a causal language model computes in; TF32 rounds about as fp16 does."""
    weight = causal_lm(llm).get_output_embeddings().weight
    kind = weight.device.type
    if torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    dtype = weight.dtype if weight.dtype in ROUNDING else torch.bfloat16  # 4 and 8 bits
    is_tf32 = kind == 'cuda' and torch.backends.cuda.matmul.allow_tf32
    return torch.float16 if dtype == torch.float32 and is_tf32 else dtype


def _compare(llm: nn.Module, found: Tensor, expected: Tensor, share: float, what: str) -> None:
    if not (found.isfinite().all() and expected.isfinite().all()) or not len(found):
        return  # The loss will name the pairs that are not finite.
    error, size = float((found - expected).abs().mean()), float(expected.abs().mean())
    # The log-probability of a certain token is next to 0 and has an error all the same.
    if error > share * (size + 0.01):
        raise ValueError(
            f'{type(causal_lm(llm)).__name__}: log-probabilities of packed responses are not '
            f'{what}; they differ by {error:.2g} a token at a mean of {-size:.2g}. {PLAIN_LAYOUT}'
        )


def _longest_pair(data: Data) -> dict[str, Tensor]:
    """The two sequences of a batch of which the second reaches furthest, as one row.

    Padding does not count, nor what follows the last supervised token.
    """
    last = data['predictors'][data['counts'].cumsum(0) - 1]
    index = 2 * int((last - data['sequences'][:, 0])[1::2].argmax())
    sequences, counts = (data[name][index : index + 2] for name in ('sequences', 'counts'))
    start, end = int(sequences[0, 0]), int(sequences[1, 1])
    before, supervised = int(data['counts'][:index].sum()), int(counts.sum())
    kept = slice(before, before + supervised)
    return {
        **{name: data[name].reshape(1, -1)[:, start:end] for name in ('input_ids', 'position_ids')},
        'predictors': data['predictors'][kept] - start,
        'targets': data['targets'][kept],
        'sequences': sequences - start,
        'counts': counts,
    }


def _packed_logps(llm: nn.Module, pair: Data, settings: LogitsSettings) -> Tensor:
    try:
        return supervised_logps(llm, pair, settings)
    except (AttributeError, LookupError, TypeError) as error:
        # The model takes the mask for one of its own.
        raise ValueError(
            f'{type(causal_lm(llm)).__name__} does not take the mask that keeps packed responses '
            f'apart ({type(error).__name__}: {error}); {PLAIN_LAYOUT}'
        ) from error


def _logps_alone(llm: nn.Module, pair: Data, settings: LogitsSettings) -> Tensor:
    responses = list(_alone(pair))
    if not settings.supervised_only:
        return torch.cat([supervised_logps(llm, each, settings) for each in responses])
    hidden = torch.cat([supervised_hidden_states(llm, each) for each in responses])
    return chunked_token_logps(hidden, settings.head(llm), pair['targets'], settings.chunk_size)


def _alone(pair: Data) -> Iterator[dict[str, Tensor]]:
    """Each response of a pair as the model would read it anywhere, prompt included."""
    ids, counts = pair['input_ids'], pair['counts'].tolist()
    predictors, targets = pair['predictors'].split(counts), pair['targets'].split(counts)
    for (start, end, first, stop), places, tokens in zip(
        pair['sequences'].tolist(), predictors, targets, strict=True
    ):
        yield {
            'input_ids': torch.cat((ids[:, first:stop], ids[:, start:end]), dim=1),
            'predictors': torch.where(
                places < start, places - first, places - start + stop - first
            ),
            'targets': tokens,
        }


def _with_another_first(pair: Data) -> dict[str, Tensor]:
    """The pair with other tokens where the second response must not look."""
    (start, end, _, _), (_, _, first, stop) = pair['sequences'].tolist()
    ids = pair['input_ids'].clone()
    own = stop if first < stop else start
    ids[:, own:end] = ids[:, :1]
    return {**pair, 'input_ids': ids}


@contextmanager
def _evaluation(llm: nn.Module) -> Iterator[None]:
    """Evaluation mode, without dropout and gradients, for as long as the block lasts."""
    training = llm.training
    llm.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        llm.train(training)
        # Autocast remembers the weights that it cast here, where they take no gradient.
        torch.clear_autocast_cache()
