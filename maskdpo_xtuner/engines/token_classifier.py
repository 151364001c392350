"""The engine that marks spans of a text: a token classifier such as those of LettuceDetect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskdpo_xtuner.engines.classifiers import DIGITS, Classifier, Pair


class TokenClassifier(Classifier):
    """A model that marks tokens of the text: ``{"spans": [{"start": 3, "end": 9, ...}], ...}``.

    Neighbouring tokens that are rather marked than not make a span of characters of the text; its
    ``confidence`` is the highest probability among them, as LettuceDetect has it.

    Args:
        model: as of `Classifier`.
        marked: names of the classes that mark; None for the second one of two.
        **options: as of `Classifier`.
    """

    engine = 'token_classifier'
    model_kind = 'AutoModelForTokenClassification'

    def __init__(self, model: str, *, marked: Sequence[str] | None = None, **options: Any) -> None:
        super().__init__(model, **options)
        names = self.labels[1:] if marked is None and len(self.labels) == 2 else marked
        if not names or not set(names) <= set(self.labels):
            raise ValueError(
                f'{model} has the classes {", ".join(self.labels)}; name those that mark a '
                "hallucination: marked=['...']"
            )
        self._marked = [self.labels.index(name) for name in names]
        self.identity = {**self.identity, 'marked': ', '.join(names)}

    def _places(self, inputs: Any) -> Sequence[tuple[int, int] | None]:
        if not inputs.encodings:
            raise ValueError(
                f'the tokenizer of {self.identity["model"]} does not tell which characters a token '
                'stands for; a model with a fast tokenizer is needed'
            )
        (encoding,) = inputs.encodings
        return [
            place if sequence == 1 else None
            for sequence, place in zip(encoding.sequence_ids, encoding.offsets, strict=True)
        ]

    def _read(self, pair: Pair, shares: Any, text: str) -> dict[str, Any]:
        confidences = shares[:, self._marked].sum(-1).tolist()[: pair.length]
        spans: list[dict[str, Any]] = []
        open_span = False
        for place, confidence in zip(pair.places, confidences, strict=True):
            if place is None or place[0] == place[1]:
                continue
            if confidence <= 0.5:
                open_span = False
                continue
            if not open_span:
                spans.append({'start': place[0], 'end': place[1], 'confidence': 0.0})
            open_span = True
            spans[-1]['end'] = place[1]
            spans[-1]['confidence'] = max(spans[-1]['confidence'], round(confidence, DIGITS))
        return {'spans': [{**s, 'text': text[s['start'] : s['end']]} for s in spans]}
