"""Completion of the command line: what bash and zsh are told, and what bash makes of it."""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from maskdpo_xtuner import cli
from maskdpo_xtuner.config_files import config_names
from maskdpo_xtuner.parsers import options_in, parser_of
from maskdpo_xtuner.shell_completion import words_of


@pytest.fixture(scope='module')
def script() -> str:
    return written('bash')


def written(shell: str) -> str:
    """What `maskdpo completion` prints."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setattr('sys.argv', ['maskdpo', 'completion', shell])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    return out.getvalue()


def completed(script: str, *line: str) -> list[str]:
    """What bash offers for the last word of a line."""
    words = ' '.join(f"'{word}'" for word in ('maskdpo', *line))
    asked = f'COMP_WORDS=({words}); COMP_CWORD={len(line)}; _maskdpo; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(['bash', '-c', f'{script}\n{asked}'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.split()


def test_the_first_word_is_a_command(script: str) -> None:
    assert completed(script, '') == list(cli._commands())
    assert completed(script, 'rank') == ['rank-agreement']


def test_options_are_those_of_the_parser(script: str) -> None:
    assert completed(script, 'pairs', '--w') == ['--work-dir']
    assert completed(script, 'evaluate', '--tr') == ['--training']
    assert completed(script, 'train', '--deep') == ['--deepspeed']


def test_values_are_offered_where_there_are_few(script: str) -> None:
    assert completed(script, 'hand-over', '--to', '') == ['opencompass', 'lm-eval']
    assert completed(script, 'completion', 'z') == ['zsh']


def test_a_config_is_completed_by_its_name(script: str) -> None:
    names = [name for name in config_names() if name.startswith('llama3_8b_dpo')]
    assert sorted(completed(script, 'train', 'llama3_8b_dpo')) == sorted(names)
    assert completed(script, 'rank-agreement', 'llama3_8b_dpo') == []


def test_files_are_completed_too(script: str, tmp_path: Path) -> None:
    (tmp_path / 'questions.jsonl').touch()
    assert completed(script, 'pairs', f'{tmp_path}/q') == [f'{tmp_path}/questions.jsonl']


def test_zsh_is_told_the_same_and_what_commands_do() -> None:
    text = written('zsh')
    assert text.startswith('#compdef maskdpo\n')
    for name in cli._commands():
        assert f"'{name}:" in text
    if zsh := shutil.which('zsh'):
        subprocess.run([zsh, '-n'], input=text, text=True, check=True)


def test_options_below_subcommands_are_found() -> None:
    parser = argparse.ArgumentParser()
    below = parser.add_subparsers().add_parser('near')
    below.add_argument('--by', choices=['mean', 'last'])
    found = words_of(parser)
    assert {'near', '--by'} <= set(found.options)
    assert found.values['--by'] == ['mean', 'last']


def test_a_command_runs_no_further_than_to_its_parser() -> None:
    def main() -> None:
        argparse.ArgumentParser(prog='p').parse_args()
        raise AssertionError('it went on')

    assert parser_of(main).prog == 'p'
    argparse.ArgumentParser().parse_args([])  # is as before
    with pytest.raises(ValueError, match='does not read its arguments'):
        parser_of(lambda: None)


def test_options_are_read_out_of_a_text() -> None:
    assert options_in('  --work-dir DIR  a\n [--seed N] non--option --seed') == [
        '--work-dir',
        '--seed',
    ]
