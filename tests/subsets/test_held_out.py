"""Training and test questions that share no topic, and the tool that writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_questions, write_records
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.subsets.held_out import hold_out
from tools.hold_out import main

QUESTIONS = [
    Question(
        question_id=f'{topic}-{index}',
        question=f'{topic} {index}?',
        document=f'About {topic}.',
        language='en',
        topic=f'topic {topic}',
    )
    for topic in range(20)
    for index in range(3)
]


def ids(questions: list[Question]) -> list[str]:
    return [question.question_id for question in questions]


@pytest.mark.parametrize('seed', range(5))
def test_no_topic_is_on_both_sides_and_the_numbers_are_those_asked_for(seed: int) -> None:
    train, test = hold_out(QUESTIONS, test=7, train=40, seed=seed)
    assert (len(train), len(test)) == (40, 7)
    assert not {q.topic for q in train} & {q.topic for q in test}


def test_what_the_last_topic_has_too_many_is_on_neither_side() -> None:
    train, test = hold_out(QUESTIONS, test=7)
    assert len({q.topic for q in test}) == 3
    assert len(train) == 60 - 9


def test_the_order_of_the_file_decides_nothing_but_the_order() -> None:
    train, test = hold_out(QUESTIONS, 7, 30)
    again = hold_out(QUESTIONS[::-1], 7, 30)
    assert (ids(train)[::-1], ids(test)[::-1]) == (ids(again[0]), ids(again[1]))


def test_two_spellings_of_a_topic_are_not_on_two_sides() -> None:
    spelled = [
        question.model_copy(update={'topic': question.topic.upper()})
        if question.question_id.endswith('1')
        else question
        for question in QUESTIONS
    ]
    train, test = hold_out(spelled, test=30)
    assert not {q.topic.lower() for q in train} & {q.topic.lower() for q in test}
    assert (len(train), len(test)) == (30, 30)


def test_another_seed_holds_out_others() -> None:
    assert len({tuple(ids(hold_out(QUESTIONS, 7, seed=seed)[1])) for seed in range(5)}) == 5


@pytest.mark.parametrize(('test', 'train'), [(60, None), (61, None), (7, 52)])
def test_too_few_questions_are_refused(test: int, train: int | None) -> None:
    with pytest.raises(ValueError, match='60 questions about 20 topics cannot be split'):
        hold_out(QUESTIONS, test, train)


def test_the_tool_writes_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / 'all.jsonl', QUESTIONS)
    assert main(['all.jsonl', '--test', '6', '--train', '30']) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == 'test_questions.jsonl: 6 questions on 2 topic(s)'
    assert len(read_questions('train_questions.jsonl')) == 30
