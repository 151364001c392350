from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation import nlls
from maskdpo_xtuner.evaluation.nlls import remembered_nlls
from maskdpo_xtuner.evaluation.perplexity import ResponseNll

CONVERSATIONS = [(f'question {n}', 'x' * (n + 1)) for n in range(5)]


class CountingScorer:
    """A nat a character; breaks off at the answer ``breaks_at``."""

    context = 'the question'

    def __init__(self, name: str = 'm', breaks_at: str | None = None) -> None:
        self.identity: Mapping[str, str] = {'model': name}
        self.calls: list[Sequence[tuple[str | None, str]]] = []
        self.breaks_at = breaks_at

    def score(self, conversations: Sequence[tuple[str | None, str]]) -> list[ResponseNll]:
        if self.breaks_at in [answer for _, answer in conversations]:
            raise KeyboardInterrupt
        self.calls.append(conversations)
        return [ResponseNll(float(len(answer)), len(answer)) for _, answer in conversations]


def test_each_answer_has_its_own_result_in_order(tmp_path: Path) -> None:
    found = remembered_nlls(tmp_path, CountingScorer(), CONVERSATIONS[::-1], quiet=True)
    assert found == [ResponseNll(float(n), n) for n in (5, 4, 3, 2, 1)]


def test_equal_conversations_are_scored_once_and_a_second_run_scores_none(tmp_path: Path) -> None:
    scorer = CountingScorer()
    first = remembered_nlls(tmp_path, scorer, CONVERSATIONS * 2, quiet=True)
    assert [len(call) for call in scorer.calls] == [5]
    assert remembered_nlls(tmp_path, scorer, CONVERSATIONS * 2, quiet=True) == first
    assert len(scorer.calls) == 1


def test_another_question_before_the_same_answer_is_another_conversation(tmp_path: Path) -> None:
    scorer = CountingScorer()
    remembered_nlls(tmp_path, scorer, [('a', 'x'), ('b', 'x'), (None, 'x')], quiet=True)
    assert [len(call) for call in scorer.calls] == [3]


def test_another_scorer_does_not_take_these_numbers(tmp_path: Path) -> None:
    remembered_nlls(tmp_path, CountingScorer('m'), CONVERSATIONS, quiet=True)
    other = CountingScorer('n')
    remembered_nlls(tmp_path, other, CONVERSATIONS, quiet=True)
    assert [len(call) for call in other.calls] == [5]
    assert len(list(tmp_path.glob('nlls-*.jsonl'))) == 2


def test_a_run_that_was_interrupted_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nlls, 'AT_ONCE', 2)
    with pytest.raises(KeyboardInterrupt):
        remembered_nlls(tmp_path, CountingScorer(breaks_at='xxxx'), CONVERSATIONS, quiet=True)
    scorer = CountingScorer()
    remembered_nlls(tmp_path, scorer, CONVERSATIONS, quiet=True)
    assert [list(call) for call in scorer.calls] == [CONVERSATIONS[2:4], CONVERSATIONS[4:]]
    assert [path.name[:5] for path in tmp_path.iterdir()] == ['nlls-']


def test_what_another_folder_remembers_is_taken_from_there(tmp_path: Path) -> None:
    before, here = tmp_path / 'before', tmp_path / 'here'
    first = remembered_nlls(before, CountingScorer(), CONVERSATIONS[:3], quiet=True)
    scorer = CountingScorer()
    found = remembered_nlls(here, scorer, CONVERSATIONS, before=[before], quiet=True)
    assert found[:3] == first
    assert [list(call) for call in scorer.calls] == [CONVERSATIONS[3:]]


def test_an_answer_of_any_text_can_be_remembered(tmp_path: Path) -> None:
    odd = [('q\n', 'line\u2028separator "quoted" \\'), ('q', '')]
    first = remembered_nlls(tmp_path, CountingScorer(), odd, quiet=True)
    assert remembered_nlls(tmp_path, CountingScorer(), odd, quiet=True) == first
