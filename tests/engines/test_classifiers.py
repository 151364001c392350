"""Classifiers as engines: what they say of pairs, whatever else is in the batch."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.classifiers import Classifier, SequenceClassifier, pair_request
from maskdpo_xtuner.engines.token_classifier import TokenClassifier
from tests.classifiers import tiny_bert
from tests.engines.requests import request_of

CLASSES = ('entailment', 'neutral', 'contradiction')
SHORT = 'Tin is a metal.'
LONG = 'The old wall is old. ' * 20
PAIRS = [(SHORT, 'Tin melts.'), ('The wall.', 'It melts at 505 K.'), (SHORT * 3, 'Tin is old.')]


@pytest.fixture(scope='module')
def sequence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp('nli') / 'nli', 'Sequence', CLASSES)


@pytest.fixture(scope='module')
def token_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp('spans') / 'spans', 'Token', ('LABEL_0', 'LABEL_1'))


def outcomes(engine: Classifier, *requests: Request) -> list[Completion | Failure]:
    return asyncio.run(engine.complete(requests))


def said(engine: Classifier, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    answers = outcomes(engine, *(pair_request(*pair) for pair in pairs))
    assert all(isinstance(answer, Completion) for answer in answers), answers
    return [json.loads(answer.text) for answer in answers if isinstance(answer, Completion)]


def by_hand(folder: Path, kind: str, context: str, text: str) -> Any:
    """Probabilities of one pair, as transformers' documentation has it."""
    import torch
    import transformers

    model = getattr(transformers, f'AutoModelFor{kind}Classification').from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        logits = model(**tokenizer(context, text, return_tensors='pt')).logits
    return logits.softmax(-1)[0]


def test_probabilities_are_those_of_the_model_under_the_names_of_its_classes(
    sequence_model: Path,
) -> None:
    found = said(SequenceClassifier(str(sequence_model), max_length=64), *PAIRS)
    for pair, answer in zip(PAIRS, found, strict=True):
        expected = by_hand(sequence_model, 'Sequence', *pair).tolist()
        assert list(answer['probabilities']) == list(CLASSES)
        assert list(answer['probabilities'].values()) == pytest.approx(expected, abs=1e-4)
        assert answer['left_out'] == 0
    assert len({answer['probabilities']['neutral'] for answer in found}) == len(found)


def test_answers_do_not_depend_on_the_batch(sequence_model: Path) -> None:
    together = said(SequenceClassifier(str(sequence_model), max_length=64), *PAIRS)
    engine = SequenceClassifier(str(sequence_model), max_length=64, batch_size=2)
    assert said(engine, *reversed(PAIRS)) == together[::-1]
    assert engine.batch_size > 2


def test_a_long_pair_loses_the_end_of_its_context_only(sequence_model: Path) -> None:
    engine = SequenceClassifier(str(sequence_model), max_length=32)
    text = 'It melts at 505 K.'
    (long,) = said(engine, (LONG, text))
    kept = ' '.join(LONG.replace('.', ' .').split()[: 32 - 3 - 6])
    assert long['left_out'] == long['tokens'] - 32
    assert long['probabilities'] == said(engine, (kept, text))[0]['probabilities']


def test_a_text_that_does_not_fit_by_itself_fails_and_others_do_not(sequence_model: Path) -> None:
    engine = SequenceClassifier(str(sequence_model), max_length=32)
    bad, good = outcomes(engine, pair_request(SHORT, LONG), pair_request(*PAIRS[0]))
    assert isinstance(bad, Failure)
    assert bad.reason == 'a text of 120 tokens leaves no room in max_length 32'
    assert isinstance(good, Completion)


def test_one_class_says_how_much_of_it_there_is(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / 'one', 'Sequence', ('consistent',))
    found = said(SequenceClassifier(str(folder), max_length=64), *PAIRS)
    shares = [answer['probabilities']['consistent'] for answer in found]
    assert all(0 < share < 1 for share in shares)


def test_probabilities_that_are_no_numbers_are_a_failure(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = tiny_bert(tmp_path / 'broken', 'Sequence', CLASSES)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    torch.nn.init.constant_(model.classifier.bias, float('nan'))
    model.save_pretrained(folder)
    (outcome,) = outcomes(SequenceClassifier(str(folder), max_length=64), pair_request(*PAIRS[0]))
    assert isinstance(outcome, Failure)
    assert 'no numbers; is dtype float32 right?' in outcome.reason


def test_spans_are_runs_of_tokens_that_are_rather_marked_than_not(token_model: Path) -> None:
    engine = TokenClassifier(str(token_model), max_length=64)
    text = 'Tin melts at 12 K. It is not a metal, and the wall is old.'
    (found,) = said(engine, (SHORT, text))
    marked = by_hand(token_model, 'Token', SHORT, text)[:, 1].tolist()
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(token_model)
    encoded = tokenizer(SHORT, text)
    inside = [n for n, which in enumerate(encoded.sequence_ids()) if which == 1]
    places = {n: encoded.encodings[0].offsets[n] for n in inside}
    assert 0 < len(found['spans']) < len(inside)
    for span in found['spans']:
        tokens = [n for n in inside if span['start'] <= places[n][0] < span['end']]
        assert all(marked[n] > 0.5 for n in tokens)
        assert span['confidence'] == pytest.approx(max(marked[n] for n in tokens), abs=1e-4)
        assert span['text'] == text[span['start'] : span['end']]
    covered = sum(len([n for n in inside if s['start'] <= places[n][0] < s['end']])
                  for s in found['spans'])  # fmt: skip
    assert covered == sum(marked[n] > 0.5 for n in inside)


def test_the_classes_that_mark_can_be_named(token_model: Path) -> None:
    first = TokenClassifier(str(token_model), max_length=64, marked=['LABEL_0'])
    both = TokenClassifier(str(token_model), max_length=64, marked=['LABEL_0', 'LABEL_1'])
    assert first.identity['marked'] == 'LABEL_0'
    (found,) = said(both, PAIRS[0])
    assert [span['text'] for span in found['spans']] == [PAIRS[0][1]]
    with pytest.raises(ValueError, match=r'the classes LABEL_0, LABEL_1; name those that mark'):
        TokenClassifier(str(token_model), max_length=64, marked=['yes'])


def test_what_a_model_cannot_do_is_found_before_it_is_asked(
    sequence_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match='takes 64 tokens at most, fewer than max_length 65'):
        SequenceClassifier(str(sequence_model), max_length=65)
    with pytest.raises(ValueError, match='there is no such model folder'):
        SequenceClassifier(str(tmp_path / 'gone'), max_length=64)
    with pytest.raises(ValueError, match='it cannot write an answer'):
        outcomes(SequenceClassifier(str(sequence_model), max_length=64), request_of('Tin?'))


@pytest.mark.parametrize('family', ['Roberta', 'XLMRoberta', 'Camembert'])
def test_positions_that_begin_behind_padding_leave_two_fewer_tokens(
    family: str, tmp_path: Path
) -> None:
    folder = tiny_bert(
        tmp_path / family, 'Sequence', CLASSES, family, max_position_embeddings=34, pad_token_id=1
    )
    with pytest.raises(ValueError, match='takes 32 tokens at most, fewer than max_length 33'):
        SequenceClassifier(str(folder), max_length=33)
    (answer,) = said(SequenceClassifier(str(folder), max_length=32), (LONG, SHORT))
    assert answer['left_out'] > 0


def test_the_identity_tells_models_and_settings_apart(sequence_model: Path) -> None:
    engine = SequenceClassifier(str(sequence_model), max_length=64)
    other = SequenceClassifier(str(sequence_model), max_length=32, dtype='bfloat16')
    assert engine.identity['model'] == 'nli'
    assert len(engine.identity['revision']) == 64
    differing = {key for key in engine.identity if engine.identity[key] != other.identity[key]}
    assert differing == {'max_length', 'dtype'}
