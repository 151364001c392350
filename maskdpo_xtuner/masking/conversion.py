"""The one way from pairs to what is trained on: token ids, weights, and why a pair is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maskdpo_xtuner.chat_templates import TemplateKwargs
from maskdpo_xtuner.masking.asked import Prompts, refuse_other_kwargs, refuse_other_prompt
from maskdpo_xtuner.masking.map_fns import MapFunction, sentence_mask_map_fn
from maskdpo_xtuner.masking.masks import EndOfTurn, LabelledResponse, MaskedResponse, mask_batch
from maskdpo_xtuner.masking.pairs import SIDES
from maskdpo_xtuner.masking.rendering import MaskingError

LabelledPair = tuple[LabelledResponse, LabelledResponse]


@dataclass(frozen=True)
class MaskedPair:
    """Both sides of a pair as tokens; ``drop_reason`` says why it is not trained on, if so."""

    chosen: MaskedResponse
    rejected: MaskedResponse
    drop_reason: str | None = None


@dataclass(frozen=True)
class PairConverter:
    """Turns rows of preference pairs into masked tokens.

    Attributes:
        tokenizer: a fast transformers tokenizer with a chat template.
        map_fn: gives the labelled responses of a row (see `maskdpo_xtuner.masking.map_fns`).
        max_length: tokens of prompt and response; the rest is cut from the right. None keeps all.
        end_of_turn: whether the end-of-turn token is supervised.
        template_kwargs: variables of the chat template beside the messages.
        prompts: ``as_asked`` refuses prompts that are rendered here otherwise than a model is asked
            with them; ``as_rendered`` does not look.
    """

    tokenizer: Any
    map_fn: MapFunction = sentence_mask_map_fn
    max_length: int | None = None
    end_of_turn: EndOfTurn = 'always'
    template_kwargs: TemplateKwargs | None = None
    prompts: Prompts = 'as_asked'

    def convert(self, rows: Iterable[Mapping[str, Any]], places: Sequence[str]) -> list[MaskedPair]:
        """Convert a batch of rows.

        Args:
            rows: as many as ``places``.
            places: where each row stands, for errors.

        Returns:
            One result a row. A pair that has nothing to supervise on a side has a reason to be
            dropped.

        Raises:
            ValueError: with the place of the row before the message.
        """
        read = list(rows)
        labelled = [self._map(row, place) for row, place in zip(read, places, strict=True)]
        masked = self._mask(labelled, places)
        if self.prompts == 'as_asked':
            self._check_prompts(read, labelled, places)
        sides = zip(masked[::2], masked[1::2], strict=True)
        return [
            MaskedPair(*tokens, drop_reason(pair, tokens))
            for pair, tokens in zip(labelled, sides, strict=True)
        ]

    def _map(self, row: Mapping[str, Any], place: str) -> LabelledPair:
        try:
            return self.map_fn(row)
        except ValueError as error:
            raise ValueError(f'{place}: {error}') from error

    def _check_prompts(
        self,
        rows: Sequence[Mapping[str, Any]],
        pairs: Sequence[LabelledPair],
        places: Sequence[str],
    ) -> None:
        """Refuse what a model would not be asked with; each prompt is looked at once."""
        checked: set[str] = set()
        for row, pair, place in zip(rows, pairs, places, strict=True):
            prompt, said = pair[0].prompt, asked_with(row)
            try:
                if said is not None:
                    refuse_other_kwargs(self.tokenizer, said, self.template_kwargs)
                if repr(prompt) not in checked:
                    refuse_other_prompt(self.tokenizer, prompt, self.template_kwargs)
            except MaskingError as error:
                raise ValueError(f'{place}: {error}') from error
            checked.add(repr(prompt))

    def _mask(self, pairs: Sequence[LabelledPair], places: Sequence[str]) -> list[MaskedResponse]:
        """Chosen and rejected in turn, tokenized as one batch."""
        responses = [response for pair in pairs for response in pair]
        try:
            return mask_batch(
                self.tokenizer, responses, self.end_of_turn, self.max_length, self.template_kwargs
            )
        except MaskingError as error:
            if error.index is None:
                raise
            place, side = places[error.index // 2], SIDES[error.index % 2]
            raise ValueError(f'{place}: {side}: {error}') from error


def asked_with(row: Mapping[str, Any]) -> str | None:
    """The variables of the template that the responses of a row were sampled with, if it tells."""
    said: str | None = row.get('asked_with') or (row.get('provenance') or {}).get('template_kwargs')
    return said


def drop_reason(pair: LabelledPair, tokens: tuple[MaskedResponse, MaskedResponse]) -> str | None:
    """Say why a pair cannot be trained on; None when it can."""
    for side, labelled, masked in zip(SIDES, pair, tokens, strict=True):
        if not any(labelled.weights):
            return f'{side}: no sentence to supervise'
        if not any(masked.mask):
            return f'{side}: all supervised tokens lie beyond max_length'
    return None


def count_drops(reasons: Sequence[str | None]) -> str:
    """Say how many pairs are trained on, and how many are dropped for which reason.

    Args:
        reasons: of each pair, None for one that is trained on.
    """
    dropped = Counter(reason for reason in reasons if reason is not None)
    summary = f'{len(reasons) - dropped.total()} of {len(reasons)} pairs are trained on'
    if dropped:
        counts = ', '.join(f'{reason} ({count})' for reason, count in dropped.most_common())
        summary += f'; dropped: {counts}'
    return summary
