"""Every command of README.md and docs/ can be typed: its options, settings and files are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner import cli
from tests.documentation.blocks import PAGES, ROOT, blocks, commands
from tests.documentation.programs import check


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_are_taken(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block, words in commands(page):
        try:
            check(words)
        except (AssertionError, ValueError) as error:
            pytest.fail(f'{block}: `{" ".join(words)}`: {error}')


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        ('maskdpo sampel', 'no command maskdpo sampel'),
        ('maskdpo sample --shards 0/8', 'is not taken'),
        ('maskdpo sample llama3_8b_anah --cfg-options sampling.samples=8', 'no setting'),
        ('python tools/sample.py', 'there is no tools/sample.py'),
        ('xtuner train configs/llama3_8b_maskdpo.py --gpus 8', 'no option --gpus'),
        ('maskdpo train llama3_8b_mask', 'no config llama3_8b_mask'),
        ('maskdpo train llama3_8b_maskdpo --cfg-options max_epochs=1', 'has no max_epochs'),
        ('lmdeploy serve api_server M --sever-port 1', 'no option --sever-port'),
        ('make tests', 'no target tests'),
        ('slurm run', 'is it a program'),
    ],
)
def test_what_cannot_be_typed_is_found(line: str, said: str) -> None:
    with pytest.raises((AssertionError, ValueError), match=said):
        check(line.split())


def test_a_page_is_read_as_a_shell_reads_it(tmp_path: Path) -> None:
    page = tmp_path / 'page.md'
    page.write_text(
        "```sh\nexport OPTS='--cfg-options a=1 b=2'  \nfor i in 0 1; do\n"
        '  X=$i maskdpo sample --shard $i/2 \\\n      $OPTS &\ndone; wait\n'
        'make install && source x  # says\n```\n\n<!-- needs: gpu -->\n```sh\nls "$(cat f)"\n```\n'
        '\ntext\n\n    python tools/evaluate.py A\n\n'
    )
    assert [words for _, words in commands(page)] == [
        ['maskdpo', 'sample', '--shard', '$i/2', '--cfg-options', 'a=1', 'b=2'],
        ['make', 'install'],
        ['source', 'x'],
        ['ls', 'TEXT'],
        ['python', 'tools/evaluate.py', 'A'],
    ]
    assert [block.needs for block in blocks(page)] == [None, 'gpu', 'indented']


def test_the_page_of_the_commands_names_each() -> None:
    page = (ROOT / 'docs' / 'installed.md').read_text(encoding='utf-8')
    rows = {f'| `maskdpo {name}` | `tools/{path.name}` |' for name, path in cli._tools().items()}
    assert {row for row in rows if row not in page} == set()
    assert {name for name in cli._OTHERS if f'`maskdpo {name}' not in page} == set()


def test_the_readme_is_one_screen_and_names_what_ci_runs() -> None:
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert len(readme.split()) <= 900
    assert 'make test\n' in (ROOT / '.ci' / 'run').read_text(encoding='utf-8')
    assert '\nmake test ' in readme
