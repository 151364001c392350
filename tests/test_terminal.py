"""What is printed, on terminals of all kinds."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from maskdpo_xtuner.terminal import can_show, print_lines, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_a_pipe_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('NO_COLOR', raising=False)
    monkeypatch.setenv('TERM', 'xterm')
    assert wants_color(Terminal())
    assert not wants_color(io.StringIO())
    monkeypatch.setenv('NO_COLOR', '')
    assert wants_color(Terminal())


@pytest.mark.parametrize(('name', 'value'), [('NO_COLOR', '1'), ('TERM', 'dumb')])
def test_the_environment_can_forbid_colours(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv('NO_COLOR', raising=False)
    monkeypatch.setenv(name, value)
    assert not wants_color(Terminal())


@pytest.mark.parametrize(('encoding', 'shown'), [('utf-8', True), ('ascii', False)])
def test_an_encoding_decides_what_can_be_shown(encoding: str, shown: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert can_show('⟦·⟧', stream) == shown
    assert can_show('abc', stream)


def run(code: str, shell: str = '', **environment: str) -> subprocess.CompletedProcess[str]:
    command = f'set -o pipefail; "$0" -c "$1" {shell}'
    return subprocess.run(
        ['bash', '-c', command, sys.executable, code],
        env={'PYTHONPATH': ':'.join(sys.path), **environment},
        capture_output=True,
        text=True,
    )


def test_characters_that_the_encoding_lacks_are_escaped() -> None:
    code = 'from maskdpo_xtuner.terminal import print_lines; print_lines([chr(0x27e6), chr(97)])'
    assert run(code, PYTHONIOENCODING='ascii').stdout == '\\u27e6\na\n'


def test_a_reader_that_goes_away_ends_the_printing() -> None:
    code = (
        'from maskdpo_xtuner.terminal import print_lines\n'
        'print_lines(str(number) * 999 for number in range(10**6))\n'
    )
    done = run(code, '| head -n 1')
    assert (done.returncode, done.stdout, done.stderr) == (0, '0' * 999 + '\n', '')


def test_an_error_while_the_lines_are_made_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    def lines() -> object:
        yield 'first'
        raise ValueError('no second')

    with pytest.raises(ValueError, match='no second'):
        print_lines(lines())  # type: ignore[arg-type]
    assert capsys.readouterr().out == 'first\n'
