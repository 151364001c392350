"""Passages of pages: how they are cut, and which are found for a fact."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from maskdpo_xtuner.annotators.factscore.cutting import TokenCutter, WordCutter
from maskdpo_xtuner.annotators.factscore.relevance import Bm25Relevance, relevance_of
from maskdpo_xtuner.annotators.factscore.retrieval import Retriever
from maskdpo_xtuner.knowledge import Knowledge
from tests.annotators.judging import TIN
from tests.knowledge.test_knowledge import database

PAGE = 'Tin is a metal. It melts at 505 K. Cans are made of it. Its symbol is Sn.'


def test_passages_have_so_many_words_and_together_all_of_them() -> None:
    passages = WordCutter(4)(PAGE)
    assert passages == [
        'Tin is a metal.',
        'It melts at 505',
        'K. Cans are made',
        'of it. Its symbol',
        'is Sn.',
    ]
    assert WordCutter(256)(PAGE) == [PAGE]
    assert WordCutter(3)('锡是金属') == ['锡是金', '属']
    assert WordCutter(3)(' ') == []


def test_a_tokenizer_counts_where_one_is_named(tmp_path: Path) -> None:
    from transformers import BertTokenizerFast

    # Every character of its vocabulary is a token of its own: "tin" is t ##i ##n.
    letters = [*'abcdefghijklmnopqrstuvwxyz0123456789.']
    vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *letters]
    text = '\n'.join([*vocabulary, *(f'##{letter}' for letter in letters)])
    (tmp_path / 'vocab.txt').write_text(text)
    BertTokenizerFast(str(tmp_path / 'vocab.txt')).save_pretrained(tmp_path)
    cut = TokenCutter(5, str(tmp_path))
    assert cut('Tin is a metal.') == ['Tin is', 'a meta', 'l.']
    assert cut('') == []
    assert cut.identity['passage_length'] == '5 tokens'
    with pytest.raises(ValueError, match=r'annotator\.tokenizer: .*gone cannot be loaded'):
        TokenCutter(5, str(tmp_path / 'gone'))


def test_the_passages_about_a_fact_come_first(tmp_path: Path) -> None:
    knowledge = Knowledge(database(tmp_path / 'k.db', [('tin', PAGE)]))
    found = Retriever(knowledge, WordCutter(4), Bm25Relevance()).find(TIN)
    assert found is not None
    assert found.best('The symbol is Sn.', 1) == ['is Sn.']
    assert found.best('Cans are made.', 1) == ['K. Cans are made']
    assert len(found.best('Cans.', 9)) == 5


def test_what_the_file_has_cut_is_not_cut_again(tmp_path: Path) -> None:
    text = '####SPECIAL####SEPARATOR####'.join(['Tin is a metal of old.', 'It melts at 505 K.'])
    knowledge = Knowledge(database(tmp_path / 'k.db', [('tin', text)]))
    found = Retriever(knowledge, WordCutter(2), Bm25Relevance()).find(TIN)
    assert found is not None
    assert found.passages == ['Tin is a metal of old.', 'It melts at 505 K.']


def test_without_knowledge_the_document_of_the_question_is_the_page() -> None:
    retriever = Retriever(None, WordCutter(4), Bm25Relevance())
    found = retriever.find(TIN)
    assert found is not None
    assert found.title == 'tin'
    assert found.passages[0] == 'Tin is a metal.'
    assert retriever.identity['knowledge'] == 'document of the question'
    assert retriever.find(TIN) is found


def test_a_topic_without_a_page_has_no_passages(tmp_path: Path) -> None:
    knowledge = Knowledge(database(tmp_path / 'k.db', [('Tin', PAGE)]))
    assert Retriever(knowledge, WordCutter(4), Bm25Relevance()).find(TIN) is None


class Encoder:
    """Vectors that count a few letters."""

    def __init__(self, model: str, device: str | None) -> None:
        assert (model, device) == ('some/encoder', 'cpu')

    def encode(self, texts: list[str]) -> Any:
        return np.array([[text.count(letter) for letter in 'SK'] for text in texts])


def test_a_model_of_sentence_transformers_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SimpleNamespace(SentenceTransformer=Encoder)
    monkeypatch.setitem(sys.modules, 'sentence_transformers', package)
    relevance = relevance_of('some/encoder', 'cpu')
    assert relevance('tin', ['S', 'K', 'S and K', '']).ranked('KK?') == [1, 2, 0, 3]
    assert relevance.identity == {'retrieval': 'some/encoder'}


def test_without_the_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'sentence_transformers', None)
    with pytest.raises(ValueError, match=r"pip install sentence-transformers.*retrieval='bm25'"):
        relevance_of('some/encoder')
