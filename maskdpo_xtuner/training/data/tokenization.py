"""From rows to token ids and labels, in batches, under a fingerprint that says what it rests on."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Features, List, Value
from xtuner.utils import IGNORE_INDEX

from maskdpo_xtuner import masking
from maskdpo_xtuner.masking import (
    EndOfTurn,
    LabelledResponse,
    MaskedResponse,
    MaskingError,
    Side,
    mask_batch,
)
from maskdpo_xtuner.training.data.map_fns import MapFunction

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SIDES: tuple[Side, Side] = ('chosen', 'rejected')
PARTS = {'ids': 'int32', 'labels': 'int32', 'weights': 'float32'}
TOKEN_COLUMNS = [f'{side}_{part}' for side in SIDES for part in PARTS]
ITEM_COLUMNS = [*TOKEN_COLUMNS, 'source']
FEATURES = Features(
    {
        **{f'{side}_{part}': List(Value(kind)) for side in SIDES for part, kind in PARTS.items()},
        'source': Value('string'),
        'drop_reason': Value('string'),
    }
)


@dataclass(frozen=True)
class Tokenization:
    """Turns batches of rows into items of XTuner's preference data sets.

    Attributes:
        tokenizer: a fast tokenizer with a chat template.
        map_fn: gives the labelled responses of a row (see `maskdpo_xtuner.training.data.map_fns`).
        max_length: tokens of prompt and response; the rest is cut from the right.
        end_of_turn: whether the end-of-turn token is supervised (see `maskdpo_xtuner.masking`).
    """

    tokenizer: PreTrainedTokenizerFast
    map_fn: MapFunction
    max_length: int
    end_of_turn: EndOfTurn

    def __call__(self, batch: Mapping[str, Sequence[Any]], indices: list[int]) -> dict[str, Any]:
        """Tokenize a batch of columns; the form that `datasets.Dataset.map` asks for.

        Returns:
            The columns of `FEATURES`; ``source`` is the place of the pair. A pair that loses all
            supervised tokens of a side has the reason in ``drop_reason`` and no tokens.

        Raises:
            ValueError: with the place of the row (``source``, or its index) before the message.
        """
        places = batch.get('source') or [f'pair {index}' for index in indices]
        pairs = [self._map(row, place) for row, place in zip(_rows(batch), places, strict=True)]
        masked = self._mask(pairs, places)
        sides = zip(masked[::2], masked[1::2], strict=True)
        items = [_item(pair, both) for pair, both in zip(pairs, sides, strict=True)]
        columns = {name: [item[name] for item in items] for name in (*TOKEN_COLUMNS, 'drop_reason')}
        return {**columns, 'source': places}

    def _map(self, row: dict[str, Any], place: str) -> tuple[LabelledResponse, LabelledResponse]:
        try:
            return self.map_fn(row)
        except ValueError as error:
            raise ValueError(f'{place}: {error}') from error

    def _mask(
        self, pairs: Sequence[tuple[LabelledResponse, LabelledResponse]], places: Sequence[str]
    ) -> list[MaskedResponse]:
        """Chosen and rejected in turn, tokenized as one batch."""
        responses = [response for pair in pairs for response in pair]
        try:
            return mask_batch(self.tokenizer, responses, self.end_of_turn, self.max_length)
        except MaskingError as error:
            if error.index is None:
                raise
            place, side = places[error.index // 2], SIDES[error.index % 2]
            raise ValueError(f'{place}: {side}: {error}') from error

    def fingerprint(self, data_fingerprint: str) -> str:
        """Hash of everything that the items depend on, the code included."""
        parts = [
            data_fingerprint.encode(),
            _tokenizer_content(self.tokenizer).encode(),
            f'{self.max_length} {self.end_of_turn} {self.map_fn.__qualname__}'.encode(),
            *_sources(self.map_fn),
        ]
        digests = (hashlib.sha256(part).digest() for part in parts)
        return hashlib.sha256(b''.join(digests)).hexdigest()[:32]


def _rows(batch: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in zip(*batch.values(), strict=True):
        yield dict(zip(batch, values, strict=True))


def _item(
    pair: tuple[LabelledResponse, LabelledResponse], masked: tuple[MaskedResponse, MaskedResponse]
) -> dict[str, Any]:
    item: dict[str, Any] = {'drop_reason': None}
    for side, labelled, tokens in zip(SIDES, pair, masked, strict=True):
        if not any(labelled.weights):
            return _dropped(f'{side}: no sentence to supervise')
        if not any(tokens.mask):
            return _dropped(f'{side}: all supervised tokens lie beyond max_length')
        item[f'{side}_ids'] = tokens.ids
        item[f'{side}_labels'] = _labels(tokens)
        item[f'{side}_weights'] = tokens.weights
    return item


def _dropped(reason: str) -> dict[str, Any]:
    return {**{name: [] for name in TOKEN_COLUMNS}, 'drop_reason': reason}


def _labels(tokens: MaskedResponse) -> list[int]:
    """The id of each supervised token and -100 elsewhere, as XTuner's preference items have it."""
    pairs = zip(tokens.ids, tokens.mask, strict=True)
    return [token if supervised else IGNORE_INDEX for token, supervised in pairs]


def _tokenizer_content(tokenizer: PreTrainedTokenizerFast) -> str:
    """What a tokenizer does, without its path and without the state that earlier calls left."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    backend.update(truncation=None, padding=None)
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return json.dumps([type(tokenizer).__name__, special, tokenizer.chat_template, backend])


def _sources(map_fn: MapFunction) -> Iterator[bytes]:
    """The code that decides on ids and labels."""
    for folder in masking.__path__:
        for file in sorted(Path(folder).glob('*.py')):
            yield file.read_bytes()
    yield Path(__file__).read_bytes()
    yield Path(inspect.getfile(map_fn)).read_bytes()
