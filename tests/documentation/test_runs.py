"""The blocks that need nothing run as they stand, page by page, in a folder of a new user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_questions
from tests.annotators.anah_v2.official_prompts import SOURCE
from tests.documentation.blocks import PAGES, ROOT, SHELL, blocks

RUN = {
    page: [b.text for b in blocks(page) if b.language in SHELL and b.needs is None]
    for page in PAGES
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout of ANAH, in shape, and the questions of docs/data.md."""
    released = tmp_path / 'ANAH' / 'eval' / 'anah_v2'
    released.mkdir(parents=True)
    (released / 'anahv2_prompt.py').write_text(SOURCE, encoding='utf-8')
    with (released / 'question_document.jsonl').open('w', encoding='utf-8') as file:
        for number in range(8400):
            about = {'document': f'About topic {number // 3}.', 'language': 'en'}
            file.write(json.dumps({'question': f'Question {number}?', **about}) + '\n')
    (shown,) = (b.text for b in blocks(ROOT / 'docs' / 'data.md') if b.language == 'json')
    other = {'question': 'What is tin?', 'document': 'Tin is a metal.', 'language': 'en'}
    (tmp_path / 'questions.jsonl').write_text(shown + json.dumps(other) + '\n')
    return tmp_path


def run(text: str, folder: Path) -> str:
    """What bash prints; `maskdpo` and `python` are those of this environment."""
    environment = {
        **os.environ,
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        'PYTHONPATH': str(ROOT),
    }
    done = subprocess.run(
        [
            'bash',
            '-euo',
            'pipefail',
            '-c',
            f'maskdpo() {{ python -m maskdpo_xtuner "$@"; }}\n{text}',
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


PARAMETERS = [
    pytest.param(
        page,
        id=page.name,
        # It samples with the built-in model.
        marks=[pytest.mark.slow, pytest.mark.timeout(1800)] if page.stem == 'quickstart' else [],
    )
    for page in PAGES
    if RUN[page]
]


@pytest.mark.parametrize('page', PARAMETERS)
def test_a_page_runs_from_its_first_block_to_its_last(page: Path, folder: Path) -> None:
    run('\n'.join(RUN[page]), folder)
    if page.name == 'table2.md':
        train, test = (
            read_questions(folder / f'{name}_questions.jsonl') for name in ('train', 'test')
        )
        assert (len(train), len(test)) == (8046, 177)
        assert not {q.topic for q in train} & {q.topic for q in test}
        assert (folder / 'anah_v2_prompts.json').is_file()
    if page.name == 'quickstart.md':
        assert (folder / 'work_dirs' / 'first' / 'pairs.html').is_file()


def test_the_map_function_of_the_page_gives_both_responses() -> None:
    (code,) = (b.text for b in blocks(ROOT / 'docs' / 'data.md') if 'def answers' in b.text)
    names: dict[str, object] = {}
    exec(code, names)
    answers = names['answers']
    assert callable(answers)
    chosen, rejected = answers({'instruction': 'Tin?', 'good': 'A metal.', 'bad': 'A gas.'})
    assert [(each.response, list(each.spans)) for each in (chosen, rejected)] == [
        ('A metal.', [(0, 8)]),
        ('A gas.', [(0, 6)]),
    ]


def test_what_runs_on_every_page_is_known() -> None:
    """A new block without a mark is run here by `make test-slow`: see that it can be."""
    pages = {page.name for page in PAGES if RUN[page]}
    assert pages == {'quickstart.md', 'data.md', 'gpus.md', 'table2.md'}, (
        'write <!-- needs: gpu --> above a block, or <!-- every block needs: gpu --> on the page'
    )
