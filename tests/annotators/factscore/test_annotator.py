"""The judge of atomic facts: what is asked, and what becomes of the replies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.factscore.settings import FactScoreSettings
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from tests.annotators.judging import TIN, judge, verdicts
from tests.knowledge.test_knowledge import database

YES, OPEN, NONE = Label.NO_HALLUCINATION, Label.UNVERIFIABLE, Label.NO_FACTS
SERVED = {'type': 'openai', 'model': 'judge', 'base_urls': ['http://localhost:1']}
Outcome = str | Completion | Failure
FACTS = {
    'Hello!': 'NO FACTS',
    'Tin is a metal.': '- Tin is a metal.',
    'It is a metal that melts at 12 K.': '- Tin is a metal.\n- Tin melts at 12 K.',
    'It is dear and heavy.': '- Tin is dear.\n- Tin is heavy.',
}
VERDICTS = {'Tin is a metal.': 'True', 'Tin melts at 12 K.': 'False', 'Tin is heavy.': 'True'}


def annotator_of(**settings: Any) -> Annotator:
    annotator, _ = FactScoreSettings.model_validate({'engine': SERVED, **settings}).build()
    return annotator


def asked(request: Request) -> tuple[str, str]:
    """Whether our prompt asks for facts or for a verdict, and on what."""
    content = request.messages[-1].content
    if 'True or False?' in content:
        return 'verdict', content.rpartition('Claim: ')[2].partition('\n')[0]
    return 'facts', content.rpartition('Sentence: ')[2].partition('\n')[0]


def script(
    facts: Callable[[str], Outcome] = FACTS.__getitem__,
    verdict: Callable[[str], Outcome] = VERDICTS.__getitem__,
) -> ScriptedEngine:
    def answer(request: Request) -> Outcome:
        kind, text = asked(request)
        return (facts if kind == 'facts' else verdict)(text)

    return ScriptedEngine(answer, concurrency=4)


def run(
    folder: Path, engine: ScriptedEngine, text: str, about: Question = TIN, **settings: Any
) -> AnnotatedResponse:
    (answer,) = judge(folder, annotator_of(**settings), engine, [text], about)
    return answer


def supported(answer: AnnotatedResponse) -> list[list[bool | None]]:
    """The verdicts on the facts of each sentence."""
    return [[fact.supported for fact in sentence.facts or ()] for sentence in answer.sentences]


def test_labels_follow_from_the_facts(tmp_path: Path) -> None:
    text = 'Hello! Tin is a metal. It is a metal that melts at 12 K.'
    engine = script()
    answer = run(tmp_path, engine, text)
    assert verdicts(answer) == [NONE, YES, OPEN]
    assert supported(answer) == [[], [True], [True, False]]
    facts = answer.sentences[2].facts
    assert facts is not None
    assert [(fact.text, fact.reply) for fact in facts] == [
        ('Tin is a metal.', 'True'),
        ('Tin melts at 12 K.', 'False'),
    ]
    # The same fact of two sentences is asked about once.
    assert sum(len(call) for call in engine.calls) == 5


def test_what_is_asked(tmp_path: Path) -> None:
    engine = script()
    run(tmp_path, engine, 'Tin is a metal.')
    (facts,), (verdict,) = engine.calls
    content = facts.messages[0].content
    assert content.endswith('\nTopic: tin\nSentence: Tin is a metal.\nFacts:')
    assert 'The strings of a violin are tuned to G, D, A and E.' in content
    assert (facts.sampling.temperature, facts.sampling.max_new_tokens, facts.seed) == (0, 512, 1)
    assert f'Title: tin\nText: {TIN.document}\n' in verdict.messages[0].content


def test_passages_stand_in_the_prompt_with_the_most_relevant_last(tmp_path: Path) -> None:
    engine = script()
    document = 'Cans are so light. Tin is a metal. Iron is cheap too.'
    long = TIN.model_copy(update={'document': document})
    run(tmp_path, engine, 'Tin is a metal.', long, passage_length=4, passages=2)
    content = engine.calls[1][0].messages[0].content
    shown = [line[6:] for line in content.splitlines() if line.startswith('Text: ')]
    assert len(shown) == 2
    assert shown[1] == 'Tin is a metal.'


def test_a_fact_without_a_verdict_is_one_where_no_other_decides(tmp_path: Path) -> None:
    said = {**VERDICTS, 'Tin is dear.': 'I cannot say.'}
    answer = run(tmp_path, script(verdict=said.__getitem__), 'It is dear and heavy.')
    failure = "unparsed: verdict: neither True nor False: 'I cannot say.'"
    assert verdicts(answer) == [failure]
    assert supported(answer) == [[None, True]]
    facts = answer.sentences[0].facts
    assert facts is not None
    assert (facts[0].failure, facts[0].reply) == (failure, 'I cannot say.')


def test_a_fact_that_is_not_supported_decides_beside_one_without_a_verdict(tmp_path: Path) -> None:
    said = {'Tin is heavy.': 'False', 'Tin is dear.': ''}
    answer = run(tmp_path, script(verdict=said.__getitem__), 'It is dear and heavy.')
    assert verdicts(answer) == [OPEN]
    assert supported(answer) == [[None, False]]


@pytest.mark.usefixtures('without_waiting')
def test_a_request_that_failed_is_a_failure_whatever_the_other_facts_say(tmp_path: Path) -> None:
    said: dict[str, Outcome] = {
        'Tin is heavy.': 'False',
        'Tin is dear.': Failure('HTTP 503: too busy', transient=True),
    }
    answer = run(tmp_path, script(verdict=said.__getitem__), 'It is dear and heavy.')
    assert verdicts(answer) == ['failed: verdict: HTTP 503: too busy']
    assert supported(answer) == [[None, False]]


@pytest.mark.parametrize(
    ('outcome', 'failure'),
    [
        ('', "unparsed: facts: no list of facts: ''"),
        (Failure('HTTP 400: too long'), 'no_answer: facts: HTTP 400: too long'),
        (
            Completion('- Tin is', 'length', 9, 512),
            "unparsed: facts: cut at 512 tokens: '- Tin is'",
        ),
    ],
)
def test_facts_that_cannot_be_read_are_no_label(
    tmp_path: Path, outcome: Outcome, failure: str
) -> None:
    answer = run(tmp_path, script(facts=lambda sentence: outcome), 'Tin is a metal.')
    assert verdicts(answer) == [failure]
    assert answer.sentences[0].facts is None


def test_a_topic_without_a_page_is_an_outcome_and_nothing_is_asked(tmp_path: Path) -> None:
    engine = script()
    knowledge = str(database(tmp_path / 'k.db', [('Tin', 'Tin is a metal.')]))
    answer = run(tmp_path, engine, 'Tin is a metal.', knowledge=knowledge)
    assert verdicts(answer) == ['no_page: the knowledge has no page "tin"']
    assert engine.calls == []
    titled = TIN.model_copy(update={'topic': 'Tin'})
    assert verdicts(run(tmp_path, engine, 'Tin is a metal.', titled, knowledge=knowledge)) == [YES]


def test_an_unreadable_reply_is_asked_for_again(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        said = {'facts': ('Hm.', '- Tin is a metal.'), 'verdict': ('Hm.', 'True')}
        return said[asked(request)[0]][request.seed - 1]

    engine = ScriptedEngine(answer)
    found = run(tmp_path, engine, 'Tin is a metal.', retries=1)
    assert verdicts(found) == [YES]
    assert found.sentences[0].notes == ("retried: no list of facts: 'Hm.'",)
    assert [call[0].sampling.temperature for call in engine.calls] == [0, 0.8, 0, 0.8]


def test_demonstrations_like_the_sentence_are_shown_last(tmp_path: Path) -> None:
    file = tmp_path / 'demos.json'
    file.write_text(
        '{"demonstrations": [{"sentence": "Iron rusts.", "facts": ["Iron rusts."]},'
        '{"sentence": "Cats purr.", "facts": ["Cats purr."]},'
        '{"sentence": "Tin is a metal.", "facts": ["Tin is one."]}]}'
    )
    engine = script()
    run(tmp_path, engine, 'Tin is a metal.', demonstrations=str(file), fixed=1, similar=1)
    content = engine.calls[0][0].messages[0].content
    shown = [line[10:] for line in content.splitlines() if line.startswith('Sentence: ')]
    assert shown == ['Iron rusts.', 'Tin is a metal.', 'Tin is a metal.']


def test_prompts_of_the_users_get_every_variable(tmp_path: Path) -> None:
    facts, verdict = tmp_path / 'facts.j2', tmp_path / 'verdict.j2'
    facts.write_text(
        '{{ language }}|{{ topic }}|{{ question }}|{{ response }}|{{ sentence }}|'
        '{{ demonstrations | length }}'
    )
    verdict.write_text(
        '{{ language }}|{{ topic }}|{{ question }}|{{ title }}|{{ fact }}|'
        '{{ passages | join("/") }}'
    )
    engine = ScriptedEngine(lambda r: '- It is.' if r.messages[0].content[-1] == '1' else 'True')
    annotator = annotator_of(facts_prompt=str(facts), verdict_prompt=str(verdict), fixed=1)
    judge(tmp_path, annotator, engine, ['Ja.'], TIN)
    assert [call[0].messages[0].content for call in engine.calls] == [
        'en|tin|What is tin?|Ja.|Ja.|1',
        f'en|tin|What is tin?|tin|It is.|{TIN.document}',
    ]


def test_the_identity_holds_what_decides(tmp_path: Path) -> None:
    prompt = tmp_path / 'mine.j2'
    prompt.write_text('{{ sentence }}')
    verdict = tmp_path / 'verdict.j2'
    verdict.write_text('{{ fact }}')
    demonstrations = tmp_path / 'demos.json'
    demonstrations.write_text('{"demonstrations": [{"sentence": "a", "facts": []}]}')
    knowledge = database(tmp_path / 'k.db', [('tin', 'Tin.')])
    changes: list[dict[str, Any]] = [
        {},
        {'facts_prompt': str(prompt)},
        {'verdict_prompt': str(verdict)},
        {'demonstrations': str(demonstrations)},
        {'knowledge': str(knowledge)},
        {'fixed': 3},
        {'similar': 1},
        {'passages': 3},
        {'passage_length': 100},
        {'max_new_tokens': 64},
        {'retries': 1},
        {'retry_temperature': 0.5},
        {'seed': 2},
        {'engine': {**SERVED, 'model': 'other'}},
        {'verifier': {**SERVED, 'model': 'other'}},
        {'splitter': 'sentencex'},
    ]
    found = [tuple(sorted(annotator_of(**change).identity.items())) for change in changes]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'knowledge': 'gone.db'}, r'gone\.db: there is no such file; make one with'),
        ({'demonstrations': 'gone.json'}, r'maskdpo import-factscore-demonstrations'),
        ({'verdict_prompt': 'gone.j2'}, r'no such file; correct annotator.verdict_prompt'),
        ({'passages': 0}, 'greater than or equal to 1'),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        annotator_of(**settings)
