"""Entities: by capitals, by a library where it is installed, by an extractor of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.topics.entities import Capitals, describe_extractor, distinct, find_extractor


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        ('It was found by Marie Curie in Paris.', ['Marie Curie', 'Paris']),
        (
            'She studied at the University of Oxford, then in the USA.',
            ['University of Oxford', 'USA'],
        ),
        ('Dogs bark. Water boils at a hundred degrees.', []),
        ('Tin is soft. People use Tin.', ['Tin', 'Tin']),
        ('The Royal Society met. Isaac Newton spoke.', ['Royal Society', 'Isaac Newton']),
        ('the metal tin', []),
    ],
    ids=['within', 'joined', 'beginnings', 'also within', 'grammar first', 'none'],
)
def test_capitals_within_a_sentence_are_names(text: str, names: list[str]) -> None:
    assert Capitals()(text, 'en') == names


def test_capitals_are_for_english() -> None:
    with pytest.raises(ValueError, match='for English, not for "zh"; name a library'):
        Capitals()('锡', 'zh')
    with pytest.raises(ValueError, match='"capitals" have no model'):
        find_extractor('capitals', 'x')


def test_a_name_is_taken_once_and_the_topic_not() -> None:
    assert distinct(['Paris', 'TIN', ' ', 'paris ', 'Rome'], 'tin') == ('Paris', 'Rome')


def test_a_pipeline_of_spacy_gives_its_entities(tmp_path: Path) -> None:
    spacy = pytest.importorskip('spacy')
    pipeline = spacy.blank('en')
    ruler = pipeline.add_pipe('entity_ruler')
    ruler.add_patterns([{'label': 'GPE', 'pattern': 'Paris'}])
    pipeline.to_disk(tmp_path / 'pipeline')
    extract = find_extractor('spacy', str(tmp_path / 'pipeline'))
    assert extract('He went to Paris.', 'en') == ['Paris']
    said = describe_extractor(extract, 'spacy', 'any')
    assert said == f'spacy {spacy.__version__}, en_pipeline 0.0.0'
    with pytest.raises(ValueError, match='of spaCy reads "en", not "zh"'):
        extract('他去了巴黎。', 'zh')


def test_what_is_not_there_is_named_with_its_mend() -> None:
    mend = r'pip install .maskdpo_xtuner\[entities\]|python -m spacy download no_such'
    with pytest.raises(ValueError, match=mend):
        find_extractor('spacy', 'no_such')
    with pytest.raises(ValueError, match='no extractor of entities "spacey"; did you mean "spacy"'):
        find_extractor('spacey')
    with pytest.raises(ValueError, match='"transformers" need a model'):
        find_extractor('transformers')


def test_an_extractor_of_the_users_is_found_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / 'mine.py'
    file.write_text('def make(model):\n    return lambda text, language: text.split()\n')
    extract = find_extractor(f'{file}:make')
    assert extract('a b', 'zh') == ['a', 'b']
    assert describe_extractor(extract, f'{file}:make') == f'{file}:make'
    assert describe_extractor(find_extractor('capitals'), 'capitals') == 'capitals'
