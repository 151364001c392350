"""What one card of the page of pairs shows: two answers, the scores of all, the token masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.masking import (
    LabelledResponse,
    MaskedPair,
    PairConverter,
    Side,
    labelled_response,
)
from maskdpo_xtuner.pairing import NoFacts, chose_refusal, chose_unsupported
from maskdpo_xtuner.records import AnnotatedResponse, PairItem, PreferencePair
from maskdpo_xtuner.reports.documents import DocumentView, view_document
from maskdpo_xtuner.reports.response_views import ResponseView, view_response
from maskdpo_xtuner.reports.segments import (
    WEIGHTED,
    Mark,
    binary_kind,
    kind_of,
    segments,
    sentence_marks,
)
from maskdpo_xtuner.reports.tokens import Token, response_tokens


@dataclass(frozen=True)
class Bar:
    """Score of one sampled answer in the strip; ``role`` is its style."""

    sample_index: int | None
    score: float | None
    role: str


@dataclass(frozen=True)
class PairView:
    """One pair; ``margin`` is the difference of the scores, for sorting."""

    question: str
    about: list[str]
    chosen: ResponseView
    rejected: ResponseView
    margin: float
    strip: list[Bar]
    others: list[ResponseView]
    document: DocumentView | None


def view_pair(
    pair: PreferencePair,
    responses: Sequence[AnnotatedResponse],
    converter: PairConverter | None = None,
    document: str | None = None,
) -> PairView:
    """Prepare one pair.

    Args:
        pair: the pair; a file made for the released trainer will do.
        responses: all annotated answers to its question, if known: they have the points of the
            document and the reasons of missing verdicts, which a pair has not.
        converter: to show token masks; None shows none.
        document: what the answers were checked against, if known.

    Raises:
        ValueError: sentences that do not stand in the response, or a response without an exact
            mask.
    """
    by_index: dict[int | None, AnnotatedResponse] = {
        response.sample_index: response for response in responses
    }
    masked = _masked(pair, converter)
    tokens = _tokens(masked, converter)
    chosen = _view_side('chosen', pair, by_index, tokens['chosen'])
    rejected = _view_side('rejected', pair, by_index, tokens['rejected'])
    roles = {chosen.sample_index: 'chosen', rejected.sample_index: 'rejected'}
    others = [
        view_response(a, no_facts_of(pair)) for index, a in by_index.items() if index not in roles
    ]
    return PairView(
        question='\n'.join(message.content for message in pair.prompt),
        about=[*_about(pair), *_drop(masked)],
        chosen=chosen,
        rejected=rejected,
        margin=(chosen.score or 0.0) - (rejected.score or 0.0),
        strip=_strip([chosen, rejected, *others], roles) if others else [],
        others=others,
        document=None if document is None else view_document(document, [chosen, rejected], others),
    )


def _masked(pair: PreferencePair, converter: PairConverter | None) -> MaskedPair | None:
    if converter is None:
        return None
    (masked,) = converter.convert([pair.model_dump(mode='json')], ['tokens'])
    return masked


def _tokens(masked: MaskedPair | None, converter: PairConverter | None) -> dict[Side, list[Token]]:
    if masked is None or converter is None:
        return {'chosen': [], 'rejected': []}
    return {
        'chosen': response_tokens(converter.tokenizer, masked.chosen),
        'rejected': response_tokens(converter.tokenizer, masked.rejected),
    }


def _drop(masked: MaskedPair | None) -> list[str]:
    """The remark on a pair that is not trained on."""
    if masked is None or masked.drop_reason is None:
        return []
    return [f'not trained on: {masked.drop_reason}']


def no_facts_of(pair: PreferencePair) -> NoFacts:
    """Say what a sentence of No Facts was worth when the pair was made."""
    return 'ignored' if (pair.provenance or {}).get('no_facts') == 'ignored' else 'correct'


def _about(pair: PreferencePair) -> list[str]:
    """Say where the pair comes from, and what a reader should know of the chosen answer."""
    rule = (pair.provenance or {}).get('rule')
    origin = pair.topic, pair.language, pair.question_id, rule and f'rule {rule}'
    remarks = {
        'the chosen answer is a refusal': chose_refusal(pair) is True,
        'nothing in the chosen answer is supported': chose_unsupported(pair),
    }
    return [
        *(text for text in origin if text),
        *(remark for remark, applies in remarks.items() if applies),
    ]


def _view_side(
    side: Side,
    pair: PreferencePair,
    responses: Mapping[int | None, AnnotatedResponse],
    tokens: list[Token],
) -> ResponseView:
    item: PairItem = getattr(pair, f'{side}_item')
    labelled = labelled_response(side, pair)
    response = responses.get(item.sample_index)
    no_facts = no_facts_of(pair)
    marks = (
        _item_marks(side, item, labelled, no_facts)
        if response is None
        else sentence_marks(response.sentences, no_facts)
    )
    return ResponseView(
        segments=segments(labelled.response, marks),
        score=item.score,
        sentences=len(marks),
        sample_index=item.sample_index,
        truncated=not labelled.finished,
        tokens=tokens,
    )


def _item_marks(
    side: Side, item: PairItem, labelled: LabelledResponse, no_facts: NoFacts
) -> list[Mark]:
    spans = zip(labelled.spans, labelled.weights, strict=True)
    if item.type is None:
        return [Mark(*span, WEIGHTED, note=f'{weight:g} in the loss') for span, weight in spans]
    if item.labels is not None:
        kinds = [kind_of(label, no_facts) for label in item.labels]
    else:
        # What counts in the loss tells the type: right in the chosen, wrong in the rejected.
        wrong = [bool(weight) == (side == 'rejected') for weight in labelled.weights]
        kinds = [binary_kind(hallucinated) for hallucinated in wrong]
    return [Mark(*span, kind) for span, kind in zip(labelled.spans, kinds, strict=True)]


def _strip(views: Sequence[ResponseView], roles: Mapping[int | None, str]) -> list[Bar]:
    """Bars from the best answer to the worst; those without a score stand last."""
    bars = [
        Bar(
            view.sample_index,
            view.score,
            'unscored' if view.score is None else roles.get(view.sample_index, ''),
        )
        for view in views
    ]
    return sorted(bars, key=lambda bar: (bar.score is None, -(bar.score or 0.0)))
