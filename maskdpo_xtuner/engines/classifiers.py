"""Engines that classify in place of writing: a request is a pair of texts, a completion is JSON.

Asked through `pair_request`, a classifier is an engine like any other: the scheduler fills its
batches across sentences and answers, the store remembers what it said, and every pair is accounted
for. Probabilities are rounded to `DIGITS`, below which the composition of a batch may show.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling, in_thread
from maskdpo_xtuner.engines.model_files import (
    check_model,
    load_model,
    model_source,
    name_and_revision,
)
from maskdpo_xtuner.records import Message

# Batches of a call: it is sorted by length, so the more, the less padding is computed; and the
# fuller are the batches of dialogues of which some have ended.
CALL = 8
DIGITS = 4

# Their positions begin behind that of padding, so RoBERTa takes 512 tokens of its 514 positions.
OFFSET_POSITIONS = frozenset(
    ('camembert', 'data2vec-text', 'esm', 'ibert', 'lilt', 'longformer', 'luke', 'markuplm')
    + ('mpnet', 'roberta', 'roberta-prelayernorm', 'xlm-roberta', 'xlm-roberta-xl', 'xmod')
)


def pair_request(context: str, text: str) -> Request:
    """Ask a classifier about ``text`` given ``context``: hypothesis and premise, answer and source.

    Nothing is sampled, so there is one such request for a pair.
    """
    messages = (Message(role='user', content=context), Message(role='assistant', content=text))
    return Request(messages, Sampling(1, temperature=0.0), seed=1)


class Pair(NamedTuple):
    """A pair as the model gets it.

    ``left_out`` of the ``whole`` tokens are not in it. ``places`` are the characters of the text
    that each token stands for, None for tokens of the context and special ones.
    """

    inputs: dict[str, list[int]]
    left_out: int
    whole: int
    places: Sequence[tuple[int, int] | None]

    @property
    def length(self) -> int:
        return len(self.inputs['input_ids'])


class Classifier:
    """Base of the engines that classify pairs; the model is loaded on the first request.

    A pair longer than ``max_length`` loses the end of its context, never a token of its text; how
    many tokens are left out is part of the completion. A text that does not fit by itself fails.

    Attributes:
        batch_size: pairs of a call, `CALL` times those of a batch of the model.
        identity: name, revision (hub commit or hash of the folder), dtype and ``max_length``.
    """

    concurrency = 1
    engine: ClassVar[str]
    model_kind: ClassVar[str]

    def __init__(
        self,
        model: str,
        *,
        max_length: int,
        dtype: str = 'float32',
        device: str = 'auto',
        batch_size: int = 32,
        trust_remote_code: bool = False,
        revision: str | None = None,
    ) -> None:
        """Read the model's configuration; weights are loaded with the first request.

        Args:
            model: a folder, or a name on the hub.
            max_length: most tokens of a pair.
            dtype: name of the torch dtype that the weights are loaded in.
            device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.
            batch_size: pairs that the model computes at once.
            trust_remote_code: whether Python files of the model may be executed.
            revision: branch, tag or commit on the hub.

        Raises:
            ValueError: when there is no such model, or it takes fewer than ``max_length`` tokens.
        """
        check_model(model)
        name, commit = name_and_revision(model, revision, trust_remote_code)
        self._source = model_source(model, commit, trust_remote_code)
        self._dtype, self._device, self._at_once = dtype, device, batch_size
        self._max_length = max_length
        self.batch_size = CALL * batch_size
        self.identity: Mapping[str, str] = {
            'engine': self.engine,
            'model': name,
            'revision': commit,
            'dtype': dtype,
            'max_length': str(max_length),
        }
        limit = most_tokens(self._config)
        if limit is not None and limit < max_length:
            raise ValueError(
                f'{model} takes {limit} tokens at most, fewer than max_length {max_length}'
            )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of the model's classes, in their order."""
        names: dict[int, str] = self._config.id2label
        return tuple(names[index] for index in sorted(names))

    @cached_property
    def _config(self) -> Any:
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(**self._source)

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(**self._source)
        # It advises against padding apart from tokenizing, which measuring before it needs.
        tokenizer.deprecation_warnings['Asking-to-pad-a-fast-tokenizer'] = True
        tokenizer.padding_side = 'right'
        return tokenizer

    @cached_property
    def _model(self) -> Any:
        return load_model(self.model_kind, self._source, self._dtype, self._device)

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Classify the pairs of ``requests``, in a thread that stops when this is cancelled."""
        return await in_thread(self._complete, requests)

    def _complete(
        self, requests: Sequence[Request], stop: threading.Event
    ) -> list[Completion | Failure]:
        texts = [_texts(request) for request in requests]
        encoded = [self._encode(*pair) for pair in texts]
        outcomes = {i: pair for i, pair in enumerate(encoded) if isinstance(pair, Failure)}
        pairs = {i: pair for i, pair in enumerate(encoded) if isinstance(pair, Pair)}
        answers: dict[int, Completion | Failure] = {**outcomes}
        # The longest first: what does not fit into memory is known at once.
        order = sorted(pairs, key=lambda place: -pairs[place].length)
        for start in range(0, len(order), self._at_once):
            if stop.is_set():
                raise RuntimeError('classifying was cancelled')
            places = order[start : start + self._at_once]
            shares = self._shares([pairs[place] for place in places])
            for place, of_pair in zip(places, shares, strict=True):
                answers[place] = self._answer(pairs[place], of_pair, texts[place][1])
        return [answers[place] for place in range(len(requests))]

    def _encode(self, context: str, text: str) -> Pair | Failure:
        tokenizer, limit = self._tokenizer, self._max_length
        inputs = tokenizer(context, text, verbose=False)
        length = len(inputs['input_ids'])
        if length <= limit:
            return Pair(dict(inputs), 0, length, self._places(inputs))
        own = len(tokenizer(text, add_special_tokens=False, verbose=False)['input_ids'])
        if own + tokenizer.num_special_tokens_to_add(pair=True) >= limit:
            return Failure(f'a text of {own} tokens leaves no room in max_length {limit}')
        inputs = tokenizer(context, text, truncation='only_first', max_length=limit)
        return Pair(dict(inputs), length - limit, length, self._places(inputs))

    def _places(self, inputs: Any) -> Sequence[tuple[int, int] | None]:
        """Give the characters of each token, for a classifier that reads them."""
        return ()

    def _shares(self, batch: Sequence[Pair]) -> Any:
        """Probabilities of the classes, float32 on the CPU, with a row for each pair."""
        import torch

        padded = self._tokenizer.pad([pair.inputs for pair in batch], return_tensors='pt')
        with torch.inference_mode():
            logits = self._model(**padded.to(self._model.device)).logits.float()
        # A model with a single class says how much of it there is.
        return (logits.sigmoid() if logits.shape[-1] == 1 else logits.softmax(-1)).cpu()

    def _answer(self, pair: Pair, shares: Any, text: str) -> Completion | Failure:
        if not shares.isfinite().all():
            return Failure(f'probabilities that are no numbers; is dtype {self._dtype} right?')
        said = self._read(pair, shares, text)
        said |= {'left_out': pair.left_out, 'tokens': pair.whole}
        return Completion(json.dumps(said, ensure_ascii=False), 'stop', pair.length, 0)

    def _read(self, pair: Pair, shares: Any, text: str) -> dict[str, Any]:
        """Give what the probabilities say, as JSON."""
        raise NotImplementedError(f'{type(self).__name__}._read')


class SequenceClassifier(Classifier):
    """A model that classifies the pair: ``{"probabilities": {"entailment": 0.9731, ...}, ...}``."""

    engine = 'sequence_classifier'
    model_kind = 'AutoModelForSequenceClassification'

    def _read(self, pair: Pair, shares: Any, text: str) -> dict[str, Any]:
        rounded = [round(share, DIGITS) for share in shares.tolist()]
        return {'probabilities': dict(zip(self.labels, rounded, strict=True))}


def most_tokens(config: Any) -> int | None:
    """Count the tokens that a model takes, by its `transformers` config; None for no limit."""
    positions: int = getattr(config, 'max_position_embeddings', None) or 0
    if positions <= 0:
        return None
    return positions - (config.pad_token_id + 1 if config.model_type in OFFSET_POSITIONS else 0)


def _texts(request: Request) -> tuple[str, str]:
    """Context and text of a `pair_request`.

    Raises:
        ValueError: for another conversation; classifiers write no answers.
    """
    if [message.role for message in request.messages] != ['user', 'assistant']:
        raise ValueError('a classifier is asked about pairs of texts; it cannot write an answer')
    context, text = request.messages
    return context.content, text.content
