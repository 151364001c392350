"""The examples that the pages show: each a file of the user's and a config that names it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.evaluation.metrics import judged_tallies
from maskdpo_xtuner.pairing import make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question
from maskdpo_xtuner.registry import METRICS, PAIRINGS
from maskdpo_xtuner.settings import Settings, load_settings
from maskdpo_xtuner.subsets import Asked
from maskdpo_xtuner.subsets.choosing import choose
from tests.evaluation.answers import answer

EXAMPLES = Path(__file__).parents[2] / 'docs' / 'examples'
QUESTION = Question(question_id='q', question='Tin?', document='D.', language='en', topic='tin')


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))  # restores what the configs add


def load(name: str, options: dict[str, Any] | None = None) -> Settings:
    return load_settings(EXAMPLES / name / 'config.py', options)


@pytest.mark.parametrize('name', sorted(path.name for path in EXAMPLES.iterdir()))
def test_an_example_is_short_and_inherits(name: str) -> None:
    for file in (EXAMPLES / name).glob('*.py'):
        assert len(file.read_text().splitlines()) <= (10 if file.name == 'config.py' else 35)


def paired(rules: Settings, marks: Sequence[str]) -> list[PreferencePair] | str:
    answers = [answer('q', index, mark) for index, mark in enumerate(marks)]
    return make_pairs(QUESTION, answers, rules.pair_rules())


def test_the_rule_of_a_margin() -> None:
    settings = load('pair_rule')
    made = paired(settings, ['++++', '+ccc', 'cccc'])
    assert not isinstance(made, str)
    (pair,) = made
    assert (pair.chosen_item.sample_index, pair.rejected_item.sample_index) == (0, 2)
    assert pair.provenance is not None
    assert pair.provenance['rule'] == 'margin'
    assert paired(settings, ['+++c', '++cc']) == 'no_pair_by_the_rule'
    assert paired(load('pair_rule', {'pairs.options.least': 0.2}), ['+++c', '++cc'])
    assert paired(settings, ['++', '++']) == 'rejected_without_hallucination'


@pytest.mark.parametrize('nothing', [[], '', None])
def test_a_rule_that_gives_neither_a_pair_nor_a_reason_is_refused(
    nothing: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load('pair_rule')
    monkeypatch.setitem(PAIRINGS._items, 'margin', lambda *args: nothing)
    with pytest.raises(ValueError, match='margin gave neither a pair nor a reason for q'):
        paired(settings, ['++', 'cc'])


def test_options_are_for_rules_of_the_users() -> None:
    with pytest.raises(ValueError, match="rule='all' has no options"):
        load('pair_rule', {'pairs.rule': 'all'})


def test_the_metric_of_words() -> None:
    settings = load('metric')
    assert settings.evaluation is not None
    answers: list[AnnotatedResponse] = [answer('q', 0, '+u'), answer('q', 1, '++')]
    found = judged_tallies(answers, {'q': QUESTION}, {'q': 'tin'}, settings.evaluation.metrics)
    words = sum(len(a.text.split()) for a in answers)
    assert found['words_per_supported'].value() == words / 3


def test_a_metric_that_is_not_there_is_found_before_anything_is_asked() -> None:
    with pytest.raises(ValueError, match=r'evaluation\.metrics: there is no metric "words_per_sup'):
        load('metric', {'evaluation.metrics': ['words_per_sup']})


def test_no_metric_takes_the_place_of_those_of_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METRICS, '_items', dict(METRICS._items))
    METRICS.register_module('precision', force=True, module=lambda response, question: (1, 1))
    answers = [answer('q', 0, '+uuu')]
    found = judged_tallies(answers, {'q': QUESTION}, {'q': 'tin'}, ['precision'])
    assert found['precision'].value() == 25


def test_the_splitter_of_lines() -> None:
    annotator, _ = load('splitter').annotator.build()
    assert isinstance(annotator, TableAnnotator)
    text = 'Tin. It is a metal.\n\n- Symbol: Sn\n'
    assert [text[a:b] for a, b in annotator.splitter(text, 'en')] == [
        'Tin. It is a metal.\n\n',
        '- Symbol: Sn\n',
    ]
    assert annotator.identity['splitter.name'] == 'lines'


@pytest.mark.parametrize('file', sorted(EXAMPLES.glob('*/*_*.py')), ids=lambda path: path.name)
def test_the_page_shows_the_example_as_it_is(file: Path) -> None:
    page = 'judges.md' if 'judge' in file.name else 'extending.md'
    assert file.read_text() in (EXAMPLES.parent / page).read_text()


def test_a_subset_splits_by_the_first_letter() -> None:
    settings = load('subset', {'subset.part': 'N-Z'})
    assert settings.subset is not None
    asked = [Asked(topic, 'What is it?', topic) for topic in ('Argon', 'neon', 'Zinc', 'Mercury')]
    assert choose(settings.subset, asked, None, None).keys == ['neon', 'Zinc']
