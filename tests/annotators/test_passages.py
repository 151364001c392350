"""Passages of documents in any script, by their relevance."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.passages import Passages
from maskdpo_xtuner.splitters import split_sentences


def halves(*parts: str) -> Passages:
    """Each part a passage of its own."""
    ends = [sum(map(len, parts[: n + 1])) for n in range(len(parts))]
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    return Passages(''.join(parts), spans, length=max(map(len, parts)))


def test_passages_are_runs_of_sentences_that_cover_the_document() -> None:
    document = 'Tin is a metal. It melts at 505 K. ' * 9
    passages = Passages(document, split_sentences(document, 'en'), length=80)
    assert ''.join(document[a:b] for a, b in passages.spans) == document
    assert all(b - a <= 80 for a, b in passages.spans)
    assert len(passages) == 5


@pytest.mark.parametrize(
    ('parts', 'query', 'best'),
    [
        (('The wall is old. ', 'Tin melts at 505 K. '), 'When does tin melt?', 'Tin melts'),
        (('墙很旧，花园里有花。', '锡在505开熔化，是金属。'), '锡何时熔化？', '锡在505开'),
        (('かべはふるいです。', 'すずはきんぞくです。'), 'すずはなに？', 'すずは'),
        (('กำแพงเก่ามาก ', 'ดีบุกเป็นโลหะ '), 'ดีบุกคืออะไร', 'ดีบุก'),
        (('Die Mauer ist alt. ', 'Zinn schmilzt bei 505 K. '), 'Wann schmilzt Zinn?', 'Zinn'),
    ],
    ids=['English', 'Chinese', 'Japanese', 'Thai', 'German'],
)
def test_the_passage_about_the_query_comes_first(
    parts: tuple[str, str], query: str, best: str
) -> None:
    passages = halves(*parts)
    assert passages.ranked(query) == [1, 0]
    (found,) = passages.best(query, 1)
    assert found.startswith(best)


@pytest.mark.parametrize(
    'parts',
    [('One. ', 'Two. '), ('... ', '!!! '), ('... ', 'Two. ')],
    ids=['other words', 'no words', 'words in one'],
)
@pytest.mark.parametrize('query', ['', '?!', 'xylophone'])
def test_without_a_word_in_common_passages_stand_as_they_are(
    parts: tuple[str, str], query: str
) -> None:
    assert halves(*parts).ranked(query) == [0, 1]
