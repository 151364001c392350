"""Our counting beside the release's own scorer; run by hand.

    git clone https://github.com/shmsw25/FActScore
    FACTSCORE_CHECKOUT=FActScore python -m pytest tests/evaluation/test_released_factscore.py

The release's scorer runs as it is, with scripted replies in place of its model. Packages that it
imports and does not need for that need not be installed.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from maskdpo_xtuner.evaluation.official_factscore import Abstain, official_scores
from maskdpo_xtuner.knowledge import Knowledge
from maskdpo_xtuner.knowledge.pages import SEPARATOR
from maskdpo_xtuner.records import AnnotatedResponse
from tests.evaluation.factscored import fact, factscored
from tests.knowledge.test_knowledge import database

CHECKOUT = os.environ.get('FACTSCORE_CHECKOUT')
pytestmark = pytest.mark.skipif(not CHECKOUT, reason='FACTSCORE_CHECKOUT names no checkout')
NOT_NEEDED = (
    *('nltk', 'nltk.tokenize', 'openai', 'rank_bm25', 'spacy', 'factscore.clm', 'factscore.npm'),
    *('sentence_transformers', 'factscore.openai_lm', 'factscore.atomic_facts'),
)
REPLIES = (
    *('True', 'False', 'true, not false', 'False. Is it true? True', 'Untrue', '', 'Yes.'),
    *(
        'It does not say so.',
        'Unknown!',
        'There is no information',
        "It isn't there.",
        'Cannot say',
    ),
)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the release's scorer."""
    for name in NOT_NEEDED:
        monkeypatch.setitem(sys.modules, name, MagicMock())
    monkeypatch.syspath_prepend(str(CHECKOUT))
    yield importlib.import_module('factscore.factscorer')
    for name in [name for name in sys.modules if name.partition('.')[0] == 'factscore']:
        del sys.modules[name]


def scripted(release: ModuleType, replies: list[str], folder: Path) -> Any:
    """Make a scorer whose model gives these replies one after another."""
    scorer = release.FactScorer('retrieval+ChatGPT', cache_dir=str(folder))
    scorer.lm.generate = MagicMock(side_effect=[(reply, None) for reply in replies])
    scorer.lm.cache_dict = {}
    source = MagicMock()
    source.get_passages.return_value = [{'title': 'tin', 'text': '<s>Tin.</s>'}] * 5
    scorer.retrieval['enwiki-20230401'] = source
    return scorer


def with_replies(replies: list[str]) -> AnnotatedResponse:
    """An answer of one sentence with a fact a reply; ours reads some of them differently."""
    response = factscored(['+' if replies else ''])
    facts = tuple(fact('?', reply) for reply in replies)
    sentence = response.sentences[0].model_copy(update={'facts': facts})
    return response.model_copy(update={'sentences': (sentence,)})


@pytest.mark.parametrize('gamma', [10, 0, 3])
@pytest.mark.parametrize('seed', range(5))
def test_the_scores_are_those_of_the_release(
    release: ModuleType, tmp_path: Path, gamma: int, seed: int
) -> None:
    draw = random.Random(seed)
    replies = [draw.choices(REPLIES, k=draw.choice([0, 1, 4, 10, 11, 25])) for _ in range(12)]
    replies.append(['True'])
    scorer = scripted(release, [reply for some in replies for reply in some], tmp_path)
    theirs = scorer.get_score(
        ['tin'] * len(replies),
        ['It is so.'] * len(replies),
        gamma=gamma,
        atomic_facts=[['It is so.'] * len(some) or None for some in replies],
    )
    ours = official_scores(map(with_replies, replies), gamma=gamma)
    assert ours.score == pytest.approx(theirs['score'], rel=1e-12)
    assert ours.init_score == pytest.approx(theirs.get('init_score', theirs['score']), rel=1e-12)
    assert ours.respond_ratio == pytest.approx(theirs['respond_ratio'], rel=1e-12)
    assert ours.facts_per_response == pytest.approx(theirs['num_facts_per_response'], rel=1e-12)


@pytest.mark.parametrize('abstain', ['off', 'generic'])
@pytest.mark.parametrize(
    'text', ["I'm sorry.", "Well, I'm sorry.", 'Please provide more.', 'Tin is a metal.']
)
def test_abstentions_are_those_of_the_release(
    release: ModuleType, abstain: Abstain, text: str
) -> None:
    theirs = importlib.import_module('factscore.abstain_detection')
    response = factscored(['+']).model_copy(update={'text': text + ' ' * 40})
    ours = official_scores([response], abstain=abstain)
    assert bool(ours.abstained) is bool(theirs.is_response_abstained(response.text, abstain))


def test_pages_are_those_of_the_release(release: ModuleType, tmp_path: Path) -> None:
    text = f'<s>Tin is a metal.</s><s>It melts{SEPARATOR} at 505 K.</s>'
    path = database(tmp_path / 'wiki.db', [('Tin', text)], 'PRIMARY KEY')
    retrieval = importlib.import_module('factscore.retrieval')
    passages = retrieval.DocDB(str(path)).get_text_from_title('Tin')
    theirs = [passage['text'].replace('<s>', '').replace('</s>', '') for passage in passages]
    page = Knowledge(path).page('Tin')
    assert page is not None
    assert list(page.parts) == [passage.strip() for passage in theirs]
