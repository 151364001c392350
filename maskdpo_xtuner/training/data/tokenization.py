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

from maskdpo_xtuner import chat_templates, masking
from maskdpo_xtuner.masking import (
    SIDES,
    MapFunction,
    MaskedPair,
    MaskedResponse,
    PairConverter,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PARTS = {'ids': 'int32', 'labels': 'int32', 'weights': 'float32'}
TOKEN_COLUMNS = [f'{side}_{part}' for side in SIDES for part in PARTS]
ITEM_COLUMNS = [*TOKEN_COLUMNS, 'place']
FEATURES = Features(
    {
        **{f'{side}_{part}': List(Value(kind)) for side in SIDES for part, kind in PARTS.items()},
        **{f'{side}_prompt_length': Value('int32') for side in SIDES},
        'place': Value('string'),
        'drop_reason': Value('string'),
    }
)


@dataclass(frozen=True)
class Tokenization:
    """Turns batches of rows into items of XTuner's preference data sets, by one converter."""

    converter: PairConverter

    def __call__(self, batch: Mapping[str, Sequence[Any]], indices: list[int]) -> dict[str, Any]:
        """Tokenize a batch of columns; the form that `datasets.Dataset.map` asks for.

        Returns:
            The columns of `FEATURES`; ``place`` is where the pair stands, ``drop_reason`` says
            why it is not trained on.

        Raises:
            ValueError: with the place of the row (``place``, or its index) before the message.
        """
        places = batch.get('place') or [f'pair {index}' for index in indices]
        items = [_item(pair) for pair in self.converter.convert(_rows(batch), places)]
        columns = {name: [item[name] for item in items] for name in FEATURES if name != 'place'}
        return {**columns, 'place': places}

    def fingerprint(self, data_fingerprint: str) -> str:
        """Hash of everything that the items depend on, the code included."""
        converter = self.converter
        settings = {
            'max_length': converter.max_length,
            'end_of_turn': converter.end_of_turn,
            'map_fn': converter.map_fn.__qualname__,
            'template_kwargs': dict(converter.template_kwargs or {}),
            'prompts': converter.prompts,
        }
        parts = [
            data_fingerprint.encode(),
            _tokenizer_content(converter.tokenizer).encode(),
            json.dumps(settings).encode(),
            *_code(converter.map_fn),
        ]
        digests = (hashlib.sha256(part).digest() for part in parts)
        return hashlib.sha256(b''.join(digests)).hexdigest()[:32]


def _rows(batch: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in zip(*batch.values(), strict=True):
        yield dict(zip(batch, values, strict=True))


def _item(pair: MaskedPair) -> dict[str, Any]:
    item: dict[str, Any] = {'drop_reason': pair.drop_reason}
    for side, tokens in zip(SIDES, (pair.chosen, pair.rejected), strict=True):
        item[f'{side}_ids'] = tokens.ids
        item[f'{side}_labels'] = _labels(tokens)
        item[f'{side}_weights'] = tokens.weights
        item[f'{side}_prompt_length'] = tokens.prompt_length
    return item


def masked_pair(item: Mapping[str, Any]) -> MaskedPair:
    """Read back what an item says; one of another data set needs no more than ids and labels."""
    return MaskedPair(
        _masked_response(item, 'chosen'),
        _masked_response(item, 'rejected'),
        item.get('drop_reason'),
    )


def _masked_response(item: Mapping[str, Any], side: str) -> MaskedResponse:
    labels = item[f'{side}_labels']
    weights = item.get(f'{side}_weights') or [float(label != IGNORE_INDEX) for label in labels]
    return MaskedResponse(item[f'{side}_ids'], weights, item.get(f'{side}_prompt_length', 0))


def _labels(tokens: MaskedResponse) -> list[int]:
    """The id of each supervised token and -100 elsewhere, as XTuner's preference items have it."""
    pairs = zip(tokens.ids, tokens.mask, strict=True)
    return [token if supervised else IGNORE_INDEX for token, supervised in pairs]


def _tokenizer_content(tokenizer: PreTrainedTokenizerFast) -> str:
    """Say what a tokenizer does, without its path or the state that earlier calls left."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    backend.update(truncation=None, padding=None)
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return json.dumps([type(tokenizer).__name__, special, tokenizer.chat_template, backend])


def _code(map_fn: MapFunction) -> Iterator[bytes]:
    """The code that decides on ids and labels."""
    for folder in masking.__path__:
        for file in sorted(Path(folder).glob('*.py')):
            yield file.read_bytes()
    for module in (__file__, chat_templates.__file__, inspect.getfile(map_fn)):
        yield Path(module).read_bytes()
