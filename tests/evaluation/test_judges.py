from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.evaluation.judges import judges_of
from tests.evaluation.test_run import settings


def test_without_judges_the_annotator_of_the_pairs_judges(tmp_path: Path) -> None:
    asked = settings(tmp_path)
    ((judge, source),) = judges_of(asked).items()
    assert (judge.name, judge.made_pairs, source) == ('lexical', True, asked.annotator)
    assert judge.heading == 'lexical (made the pairs)'


def test_judges_keep_their_order_and_get_names_of_their_own(tmp_path: Path) -> None:
    coverages = (0.91, LexicalSettings().min_coverage, 0.11)
    listed = [{'type': 'lexical', 'min_coverage': coverage} for coverage in coverages]
    judges = judges_of(settings(tmp_path, judges=listed))
    assert [judge.name for judge in judges] == ['lexical', 'lexical-2', 'lexical-3']
    assert [judge.made_pairs for judge in judges] == [False, True, False]
    assert [source.model_dump()['min_coverage'] for source in judges.values()] == list(coverages)
    assert next(iter(judges)).heading == 'lexical (did not make the pairs)'


def test_a_judge_and_a_bound_that_do_not_exist_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match='evaluation.judges.0'):
        settings(tmp_path, judges=[{'type': 'oracle'}])
    with pytest.raises(ValidationError, match='evaluation.bounds.more_babble'):
        settings(tmp_path, bounds={'more_babble': 1})
    with pytest.raises(ValidationError, match='evaluation.bounds.perplexity'):
        settings(tmp_path, bounds={'perplexity': 0.5})
