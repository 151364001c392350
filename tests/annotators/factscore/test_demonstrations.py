"""Demonstrations: ours, those of the release with their licence, and files of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.factscore import (
    own_demonstrations,
    read_demonstrations,
    read_official_demonstrations,
)
from maskdpo_xtuner.annotators.factscore.settings import FactScoreSettings

TOOL = Path(__file__).parents[3] / 'tools' / 'import_factscore_demonstrations.py'
PUBLISHED = {
    'He was a chemist and lived in Berlin.': ['He was a chemist.', 'He lived in Berlin.'],
    'She was born.': ['She was born.'],
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the release with its data."""
    path = tmp_path / 'FActScore'
    (path / '.cache/factscore/demos').mkdir(parents=True)
    (path / '.cache/factscore/demos/demons.json').write_text(json.dumps(PUBLISHED))
    (path / 'LICENSE').write_text('MIT License\n')
    return path


def run(*argv: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, argv)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_published_ones_are_kept_with_their_licence(checkout: Path, tmp_path: Path) -> None:
    done = run(checkout, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, '')
    kept = read_demonstrations(tmp_path / 'factscore_demonstrations.json')
    assert f'2 sentences with their facts, sha256 {kept.sha256}' in done.stdout
    assert {found.sentence: list(found.facts) for found in kept.all} == PUBLISHED
    assert (kept.source, kept.licence) == ('FActScore demons.json', 'MIT License\n')


def test_the_identity_says_whose_they_are(checkout: Path, tmp_path: Path) -> None:
    run(checkout, cwd=tmp_path)
    engine = {'type': 'openai', 'model': 'judge', 'base_urls': ['http://localhost:1']}
    found = {}
    for path in (None, tmp_path / 'factscore_demonstrations.json'):
        settings = {'engine': engine, 'demonstrations': path}
        annotator, _ = FactScoreSettings.model_validate(settings).build()
        found[path] = annotator.identity['demonstrations']
    assert list(found.values()) == ['own', 'FActScore demons.json']


def test_a_file_needs_its_licence_named(checkout: Path, tmp_path: Path) -> None:
    file = checkout / '.cache/factscore/demos/demons.json'
    with pytest.raises(ValueError, match=r'LICENSE: there is no such file; name the licence'):
        read_official_demonstrations(file)
    assert read_official_demonstrations(file, checkout / 'LICENSE').licence == 'MIT License\n'


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('[1]', 'not an object of facts by sentence'),
        ('{"a": 1}', 'not an object of facts by sentence'),
        ('{"a": [1]}', 'not an object of facts by sentence'),
        ('{}', 'there are no demonstrations'),
        ('{', 'not an object of facts by sentence'),
    ],
)
def test_another_form_is_refused(checkout: Path, tmp_path: Path, content: str, said: str) -> None:
    (checkout / '.cache/factscore/demos/demons.json').write_text(content)
    done = run(checkout, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / 'factscore_demonstrations.json').exists()


def test_a_checkout_without_its_data_is_named(checkout: Path) -> None:
    (checkout / '.cache/factscore/demos/demons.json').unlink()
    with pytest.raises(ValueError, match=r'python -m factscore\.download_data'):
        read_official_demonstrations(checkout)


def test_a_file_that_was_edited_is_refused(checkout: Path, tmp_path: Path) -> None:
    run(checkout, cwd=tmp_path)
    path = tmp_path / 'factscore_demonstrations.json'
    path.write_text(path.read_text().replace('chemist', 'poet'))
    with pytest.raises(ValueError, match='do not have the hash that stands beside them'):
        read_demonstrations(path)


@pytest.mark.parametrize('content', ['{', '{}', '{"demonstrations": []}', '[]'])
def test_what_is_no_file_of_demonstrations_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / 'mine.json').write_text(content)
    with pytest.raises(ValueError, match=r'mine\.json: not a file of demonstrations'):
        read_demonstrations(tmp_path / 'mine.json')


def test_the_most_similar_follow_the_fixed_ones() -> None:
    own = own_demonstrations()
    assert own.chosen('An axolotl can grow a leg again.', None, 0) == list(own.all)
    *fixed, last = own.chosen('A newt can grow a lost leg.', 2, 1)
    assert fixed == list(own.all[:2])
    assert last.topic == 'the axolotl'


def test_ours_are_about_many_things_and_show_what_has_no_facts() -> None:
    own = own_demonstrations()
    assert len({demonstration.topic for demonstration in own.all}) == len(own.all) >= 8
    assert {bool(demonstration.facts) for demonstration in own.all} == {True, False}
