"""The command `maskdpo`: which commands there are, how they are called and how they end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from maskdpo_xtuner import cli, xtuner_cli
from maskdpo_xtuner.cli import main
from maskdpo_xtuner.config_files import config_file, config_names, shipped

TOOLS = sorted((Path(__file__).parents[1] / 'tools').glob('*.py'))
DATA = {'data', 'evaluation'}
TRAINING = {'ablations', 'paper', '.'}


def run(monkeypatch: pytest.MonkeyPatch, *argv: str) -> object:
    """Exit status, or the line on stderr; None where it returns."""
    monkeypatch.setattr(sys, 'argv', ['maskdpo', *argv])
    try:
        main()
    except SystemExit as stop:
        return stop.code
    return None


def test_every_tool_is_a_command() -> None:
    assert sorted(cli._tools().values()) == TOOLS
    assert {'sample', 'pairs', 'merge', 'evaluate', 'inspect', 'masks'} < set(cli._tools())
    assert not set(cli._tools()) & set(cli._OTHERS)


@pytest.mark.parametrize('argv', [(), ('-h',), ('--help',)])
def test_the_overview_names_every_command(
    argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *argv) is None
    said = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:2] == '  ']
    assert sorted(said) == sorted([*cli._tools(), *cli._OTHERS])


def test_a_command_that_no_group_names_comes_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, 'GROUPS', {'First': 'train sample'})
    assert run(monkeypatch) is None
    said = capsys.readouterr().out
    assert (
        said.index('First:\n  train ') < said.index('  sample ') < said.index('More:\n  affinity ')
    )


def test_the_version_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, '--version') is None
    assert capsys.readouterr().out.startswith('maskdpo_xtuner 0.')


@pytest.mark.parametrize(('name', 'hint'), [('sampel', '"sample"?'), ('x', 'maskdpo --help')])
def test_another_command_is_refused(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(monkeypatch, name)
    assert str(ended).startswith(f'error: there is no command "{name}"; ')
    assert hint in str(ended)


def test_a_tool_has_its_arguments_and_the_name_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'sample', '--help') == 0
    assert capsys.readouterr().out.startswith('usage: maskdpo sample ')
    ended = run(monkeypatch, 'pairs', 'nowhere', 'no_config.py')
    assert str(ended).startswith('error: no_config.py: there is no such config')


def test_configs_are_listed_by_what_they_are_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'list-cfg') == 0
    training, rest = capsys.readouterr().out.split('maskdpo sample, evaluate:\n')
    assert training.startswith('maskdpo train:\n')
    data, rounds = rest.split('maskdpo rounds:\n')
    root = shipped('configs')
    folders = {
        name: [*path.parent.relative_to(root).parts, '.'][0]
        for name, path in config_names().items()
    }
    for part, of_it in ((training, TRAINING), (data, DATA), (rounds, {'rounds'})):
        names = [line.split()[0] for line in part.splitlines() if line.startswith('  ')]
        assert names == [name for name, folder in folders.items() if folder in of_it]


def test_a_pattern_chooses_and_paths_are_for_other_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'list-cfg', '-p', '8B_DPOP', '--paths') == 0
    assert capsys.readouterr().out == config_file('llama3_8b_dpop') + '\n'


def test_a_config_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'copy-cfg', 'llama3_8b_dpop', str(tmp_path)) == 0
    copy = tmp_path / 'llama3_8b_dpop_copy.py'
    assert capsys.readouterr().out == f'{copy}\n'
    assert 'lambda' in copy.read_text()


@pytest.mark.parametrize('command', ['train', 'convert'])
def test_help_of_xtuner_is_ours(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for argv in ((), ('c.py', '--help')):
        assert run(monkeypatch, command, *argv) == 0
        assert capsys.readouterr().out.startswith(f'usage: maskdpo {command} ')


def test_arguments_go_to_xtuners_script_and_its_status_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, ...]] = []

    def run_script(name: str, args: list[str]) -> int:
        calls.append((name, *args))
        return 3

    monkeypatch.setattr(xtuner_cli, 'run_script', run_script)
    monkeypatch.setattr(xtuner_cli, 'run_training', lambda args: run_script('train', args))
    assert run(monkeypatch, 'train', 'c.py', '--seed', '1') == 3
    assert run(monkeypatch, 'convert', 'pth_to_hf', 'c.py', 'x.pth', 'out') == 3
    assert calls == [('train', 'c.py', '--seed', '1'), ('pth_to_hf', 'c.py', 'x.pth', 'out')]


def test_another_script_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(monkeypatch, 'convert', 'c.py', 'x.pth', 'out')
    assert ended == 'error: there is no script "c.py" of XTuner here; one of ' + ', '.join(
        xtuner_cli.SCRIPTS
    )
