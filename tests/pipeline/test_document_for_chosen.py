"""The strategy "Llama+Doc" of Table 3: chosen answers saw the document, rejected ones did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.pairing import DropReason, PairRules, make_pairs
from maskdpo_xtuner.pairing.settings import PairSettings
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.pipeline.sampling import sample
from maskdpo_xtuner.records import (
    AnnotatedResponse,
    FinishReason,
    Label,
    Message,
    PreferencePair,
    Question,
    Response,
    Sentence,
)
from maskdpo_xtuner.settings import SamplingSettings, load_settings

QUESTION = Question(
    question_id='q', question='When?', document='In 1940.', language='en', topic='t'
)
RULES = PairRules(chosen_with_document=True)


def sampled(path: Path, settings: SamplingSettings) -> tuple[list[Response], list[Request]]:
    engine = ScriptedEngine(lambda request: request.messages[0].content)
    with CompletionStore(path / 'completions.sqlite') as store:
        scheduler: Scheduler[Response | FailureRecord] = Scheduler(engine, store)
        (responses,) = sample([QUESTION], scheduler, settings, 'script')
    requests = [request for call in engine.calls for request in call]
    return [response for response in responses if isinstance(response, Response)], requests


def test_as_many_answers_again_are_given_with_the_document(tmp_path: Path) -> None:
    settings = SamplingSettings(num_samples=2, document_for_chosen=True)
    responses, requests = sampled(tmp_path, settings)
    assert [response.text for response in responses] == [
        'When?',
        'When?',
        *['In 1940.\n\nWhen?'] * 2,
    ]
    assert [response.with_document for response in responses] == [False, False, True, True]
    assert [response.sample_index for response in responses] == [0, 1, 2, 3]
    assert len({request.seed for request in requests}) == 4 == settings.responses_per_question


def test_the_answers_without_the_document_are_those_of_the_default(tmp_path: Path) -> None:
    plain, _ = sampled(tmp_path, SamplingSettings(num_samples=2))
    contrasted, _ = sampled(tmp_path, SamplingSettings(num_samples=2, document_for_chosen=True))
    assert plain == contrasted[:2]
    assert SamplingSettings(num_samples=2).responses_per_question == 2


def response(
    index: int,
    *labels: Label,
    with_document: bool,
    finish_reason: FinishReason = 'stop',
) -> AnnotatedResponse:
    return AnnotatedResponse(
        question_id='q',
        sample_index=index,
        seed=index + 1,
        text='x' * len(labels) + str(index),
        finish_reason=finish_reason,
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
        with_document=with_document,
        sentences=tuple(Sentence(start=n, end=n + 1, label=la) for n, la in enumerate(labels)),
        annotator={'name': 'scripted'},
    )


GOOD, BAD = Label.NO_HALLUCINATION, Label.CONTRADICTORY
WITHOUT = [
    response(0, GOOD, GOOD, with_document=False),
    response(1, GOOD, BAD, with_document=False),
]
WITH = [response(2, BAD, BAD, with_document=True), response(3, GOOD, BAD, GOOD, with_document=True)]


def the_pair(made: list[PreferencePair] | str) -> PreferencePair:
    assert not isinstance(made, str), made
    (pair,) = made
    return pair


def indices(pairs: list[PreferencePair] | str) -> tuple[int | None, int | None]:
    made = the_pair(pairs)
    return made.chosen_item.sample_index, made.rejected_item.sample_index


def test_each_side_comes_from_its_own_prompt() -> None:
    assert indices(make_pairs(QUESTION, WITHOUT + WITH, RULES)) == (3, 1)
    assert indices(make_pairs(QUESTION, WITHOUT + WITH, PairRules())) == (0, 2)


def test_the_pair_is_trained_on_the_question_alone() -> None:
    made = the_pair(make_pairs(QUESTION, WITHOUT + WITH, RULES))
    assert made.prompt == (Message(role='user', content='When?'),)


@pytest.mark.parametrize('responses', [WITH, WITHOUT])
def test_both_prompts_are_needed(responses: list[AnnotatedResponse]) -> None:
    assert make_pairs(QUESTION, responses, RULES) is DropReason.TOO_FEW_SCORED


@pytest.mark.parametrize(
    ('rules', 'expected'),
    [
        (PairRules(), (0, 3)),
        (PairRules(truncated_chosen=False), (1, 3)),
        (PairRules(truncated_rejected=False), (0, 2)),
    ],
)
def test_cut_answers_are_used_as_the_rules_say(rules: PairRules, expected: tuple[int, int]) -> None:
    responses = [
        response(0, GOOD, GOOD, with_document=False, finish_reason='length'),
        response(1, GOOD, GOOD, GOOD, BAD, with_document=False),
        response(2, GOOD, BAD, with_document=False),
        response(3, BAD, BAD, with_document=False, finish_reason='length'),
    ]
    assert indices(make_pairs(QUESTION, responses, rules)) == expected


def test_the_rule_follows_the_sampling(tmp_path: Path) -> None:
    path = tmp_path / 'config.py'
    path.write_text(
        "work_dir = 'w'\nquestions = dict(type='table', table='elements', split='train')\n"
        'sampling = dict(document_for_chosen=True)\npairs = dict(truncated_chosen=False)\n'
    )
    settings = load_settings(path)
    assert settings.pair_rules() == PairRules(truncated_chosen=False, chosen_with_document=True)
    assert settings.pairs == PairSettings(truncated_chosen=False)
