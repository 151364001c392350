"""The dialogue: what is asked in which turn, and what each answer leads to."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from maskdpo_xtuner.annotators import Annotator
from maskdpo_xtuner.annotators.anah_v2 import (
    AnahV2Annotator,
    Context,
    DialogueSettings,
    Prompts,
    own_prompts,
)
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import FinishReason, Label, Message, Question, Sentence
from tests.annotators.anah_v2.internlm2 import internlm2_template

TEXT = 'Hello. Astatine was discovered in 1940.\nBye.'
SPAN = (7, 40)
SENTENCE = 'Astatine was discovered in 1940.'
EN = Question(
    question_id='q',
    question='When was astatine discovered?',
    document='Astatine was discovered in 1940 at Berkeley.',
    language='en',
    topic='Astatine',
)
ZH = Question(
    question_id='zh',
    question='砹是何时发现的？',
    document='砹于1940年被发现。',
    language='zh',
    topic='砹',
)
LONG = EN.model_copy(
    update={'document': 'The garden is quiet. ' * 300 + EN.document + ' The pond is old.' * 300}
)
ENGINE = {'model': 'some-7b', 'revision': 'abc'}
POINTS = 'Discovered in 1940.<SEP>At Berkeley.'
PROMPTS = own_prompts()


def annotator(length: int = 20_000, **settings: Any) -> AnahV2Annotator:
    context = Context(length, internlm2_template())
    return AnahV2Annotator(ENGINE, PROMPTS, context, DialogueSettings(**settings))


def answer(text: str, finish_reason: FinishReason = 'stop') -> Completion:
    return Completion(text, finish_reason, prompt_tokens=9, completion_tokens=5)


def judge(
    judge_: AnahV2Annotator, answers: Sequence[Completion | Failure], question: Question = EN
) -> tuple[Sentence, list[Request]]:
    """The verdict when the model answers so, and what it was asked; all answers are used."""
    dialogue = judge_.judge(question, TEXT, SPAN)
    request, requests = next(dialogue), []
    for place, outcome in enumerate(answers):
        requests.append(request)
        try:
            request = dialogue.send(outcome)
        except StopIteration as stop:
            assert place == len(answers) - 1
            return stop.value, requests
    raise AssertionError(f'asked for more: {request}')


def said(*texts: str) -> list[Completion | Failure]:
    return [answer(text) for text in texts]


@pytest.mark.parametrize(
    ('answers', 'label', 'points'),
    [
        (['<No Facts>'], Label.NO_FACTS, ()),
        (['<Facts Present>', '<No Reference Information>'], Label.UNVERIFIABLE, ()),
        (
            ['<Facts Present>', POINTS, '<No Hallucination>'],
            Label.NO_HALLUCINATION,
            ('Discovered in 1940.', 'At Berkeley.'),
        ),
        (['<Facts Present>', 'In 1941.', '<Contradictory>'], Label.CONTRADICTORY, ('In 1941.',)),
        (['<Facts Present>', 'A halogen.', '<Unverifiable>'], Label.UNVERIFIABLE, ('A halogen.',)),
        (['“<有事实>”\n', '要点', '<矛盾>'], Label.CONTRADICTORY, ('要点',)),
    ],
)
def test_the_answers_lead_to_a_label(
    answers: list[str], label: Label, points: tuple[str, ...]
) -> None:
    sentence, _ = judge(annotator(), said(*answers))
    assert sentence == Sentence(start=7, end=40, label=label, points=points)


@pytest.mark.parametrize('question', [EN, ZH])
def test_every_turn_gets_its_prompt_after_all_that_was_said(question: Question) -> None:
    _, requests = judge(annotator(), said('<Facts Present>', POINTS, '<无幻觉>'), question)
    language = question.language
    common = {'question': question.question, 'sentence': SENTENCE}
    turns = [
        Message(role='user', content=PROMPTS.render('existence', language, **common)),
        Message(role='assistant', content='<Facts Present>'),
        Message(
            role='user',
            content=PROMPTS.render('reference', language, reference=question.document, **common),
        ),
        Message(role='assistant', content=POINTS),
        Message(role='user', content=PROMPTS.render('type', language, reference=POINTS, **common)),
    ]
    assert [list(request.messages) for request in requests] == [turns[:1], turns[:3], turns]


def test_decoding_is_greedy_at_one_seed() -> None:
    asked = annotator(max_reference_tokens=300, max_verdict_tokens=20, seed=5)
    _, requests = judge(asked, said('<Facts Present>', POINTS, '<Unverifiable>'))
    assert [request.sampling.max_new_tokens for request in requests] == [20, 300, 20]
    assert {request.sampling.temperature for request in requests} == {0.0}
    assert {request.seed for request in requests} == {5}


def test_a_system_turn_is_sent_when_there_is_one() -> None:
    _, requests = judge(annotator(system='You judge.'), said('<No Facts>'))
    assert requests[0].messages[0] == Message(role='system', content='You judge.')


@pytest.mark.parametrize(
    ('answers', 'failure'),
    [
        (['perhaps'], "unparsed: turn 1: no marker: 'perhaps'"),
        (['<Facts Present>', ''], "unparsed: turn 2: no text: ''"),
        (['<Facts Present>', POINTS, '无矛盾'], "unparsed: turn 3: no marker: '无矛盾'"),
        (['<Facts Present>', POINTS, '<Unverifiable> <Contradictory>'], 'unparsed: turn 3: more'),
    ],
)
def test_an_unreadable_answer_is_no_label(answers: list[str], failure: str) -> None:
    sentence, _ = judge(annotator(), said(*answers))
    assert sentence.label is None
    assert sentence.failure is not None
    assert sentence.failure.startswith(failure)


@pytest.mark.parametrize('turn', [1, 2, 3])
def test_a_failed_request_is_no_label(turn: int) -> None:
    answers = said('<Facts Present>', POINTS)[: turn - 1]
    sentence, _ = judge(annotator(), [*answers, Failure('HTTP 500')])
    assert (sentence.label, sentence.failure) == (None, f'no_answer: turn {turn}: HTTP 500')


@pytest.mark.parametrize('before', [(), ('<Facts Present>', POINTS)])
def test_a_verdict_that_was_cut_is_not_read(before: tuple[str, ...]) -> None:
    cut = answer('<No Facts>' if not before else '<Unverifiable>', 'length')
    sentence, _ = judge(annotator(), [*said(*before), cut])
    assert sentence.failure is not None
    assert f'unparsed: turn {len(before) + 1}: cut at 5 tokens' in sentence.failure


def test_a_reference_that_was_cut_is_used_and_recorded() -> None:
    answers = [*said('<Facts Present>'), answer('In 1940.<SEP>At Ber', 'length')]
    sentence, _ = judge(annotator(), [*answers, *said('<No Hallucination>')])
    assert sentence.label is Label.NO_HALLUCINATION
    assert sentence.notes == ('reference_cut: at 5 tokens',)


def test_an_unreadable_answer_is_asked_for_again_at_other_seeds() -> None:
    asked = annotator(retries=2, retry_temperature=0.5, seed=3)
    sentence, requests = judge(asked, said('perhaps', 'hm', '<No Facts>'))
    assert sentence.label is Label.NO_FACTS
    assert sentence.notes == ("retried: turn 1: no marker: 'perhaps'; no marker: 'hm'",)
    assert [request.seed for request in requests] == [3, 4, 5]
    assert [request.sampling.temperature for request in requests] == [0.0, 0.5, 0.5]
    assert len({request.messages for request in requests}) == 1


def test_retries_end() -> None:
    sentence, _ = judge(annotator(retries=1), said('perhaps', 'hm'))
    assert sentence.failure == "unparsed: turn 1: no marker: 'perhaps'; no marker: 'hm'"


def test_the_strict_reading_is_a_setting() -> None:
    sentence, _ = judge(annotator(tolerant=False), said('“<No Facts>”'))
    assert sentence.failure == "unparsed: turn 1: not a marker: '“<No Facts>”'"


def tokens(request: Request) -> int:
    return len(internlm2_template().encode(request.messages))


def test_a_long_document_is_shortened_to_what_leaves_room_for_turn_3() -> None:
    asked = annotator(2500, max_reference_tokens=200)
    long_points = 'x' * 200
    sentence, requests = judge(
        asked, said('<Facts Present>', long_points, '<No Hallucination>'), LONG
    )
    assert EN.document in requests[1].messages[-1].content
    assert tokens(requests[1]) + 200 <= 2500
    assert tokens(requests[2]) + 64 <= 2500
    (note,) = sentence.notes
    assert note.startswith('document_shortened: ')


def test_a_document_that_fits_is_sent_whole() -> None:
    sentence, requests = judge(annotator(), said('<Facts Present>', POINTS, '<矛盾>'), LONG)
    assert LONG.document in requests[1].messages[-1].content
    assert sentence.notes == ()


def test_no_room_for_any_passage_is_a_failure() -> None:
    sentence, _ = judge(annotator(1000, max_reference_tokens=300), said('<Facts Present>'), LONG)
    assert sentence.failure == (
        'no_answer: turn 2: not one passage of the document fits into the context of 1000 tokens'
    )


def test_a_sentence_longer_than_the_context_is_never_sent() -> None:
    dialogue = annotator(100).judge(EN, TEXT, SPAN)
    with pytest.raises(StopIteration) as stop:
        next(dialogue)
    assert stop.value.value.failure == 'no_answer: turn 1: longer than the context of 100 tokens'


def test_the_identity_names_what_determines_the_verdicts() -> None:
    asked: Annotator = annotator(900, retries=2)
    assert asked.identity == {
        'name': 'anah_v2',
        'version': '3',
        'engine.model': 'some-7b',
        'engine.revision': 'abc',
        'prompts': 'own',
        'prompts_sha256': PROMPTS.sha256,
        'sampling': 'greedy',
        'context_length': '900',
        'system': 'None',
        'max_reference_tokens': '1024',
        'max_verdict_tokens': '64',
        'tolerant': 'True',
        'retries': '2',
        'retry_temperature': '0.8',
        'seed': '1',
    }


@pytest.mark.parametrize('model', ['opencompass/anah-v2', '/models/ANAH_v2/'])
def test_anah_v2_on_prompts_it_was_not_trained_on_makes_a_warning(model: str) -> None:
    with pytest.warns(UserWarning, match='trained on the published prompts.*import-anah-prompts'):
        AnahV2Annotator({'model': model}, PROMPTS, Context(9, internlm2_template()))


@pytest.mark.parametrize(
    ('model', 'source'), [('opencompass/anah-v2', 'anahv2_prompt.py'), ('internlm2-7b', 'own')]
)
def test_other_models_and_imported_prompts_make_none(model: str, source: str) -> None:
    prompts = Prompts(PROMPTS.templates, source)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        AnahV2Annotator({'model': model}, prompts, Context(9, internlm2_template()))


@pytest.mark.parametrize('wrong', [{'retries': -1}, {'retry_temperature': 0}, {'seed': 0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f'{next(iter(wrong))}\n.*greater than'):
        DialogueSettings(**wrong)
