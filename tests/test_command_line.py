"""What the tools' command lines share."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from typing import Any

import pytest

from maskdpo_xtuner.command_line import DEFAULT_CONFIG, add_config_options, key_value, run_tool


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('k=3', 3),
        ('k=-0.5', -0.5),
        ('k=1e-3', 0.001),
        ('k=True', True),
        ('k=None', None),
        ("k='3'", '3'),
        ('k=[1, 2]', [1, 2]),
        ("k={'a': 1}", {'a': 1}),
        ('k=a/path-1.jsonl', 'a/path-1.jsonl'),
        ('k=org/model', 'org/model'),
        ('k=a=b', 'a=b'),
        ('k=', ''),
        ('k=1 2', '1 2'),
        ('k=__import__("os")', '__import__("os")'),
    ],
)
def test_a_value_is_python_where_it_reads_as_such_and_text_otherwise(
    text: str, value: object
) -> None:
    key, read = key_value(text)
    assert key == 'k'
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize('text', ['sampling.seed', '=3', ''])
def test_what_is_not_key_and_value_is_a_usage_error(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match='2'):
        parse('--cfg-options', text)
    assert f'expected KEY=VALUE, found {text!r}' in capsys.readouterr().err


def parse(*argv: str) -> Any:
    parser = argparse.ArgumentParser()
    add_config_options(parser)
    return parser.parse_args(argv)


def test_options_come_with_the_config() -> None:
    args = parse('c.py', '--cfg-options', 'sampling.seed=1', 'work_dir=w', '--work-dir', 'x')
    assert dict(args.cfg_options) == {'sampling.seed': 1, 'work_dir': 'w'}
    assert (args.config, args.work_dir, args.quiet) == ('c.py', 'x', False)


def test_without_arguments_it_is_the_built_in_default() -> None:
    args = parse()
    assert args.config == DEFAULT_CONFIG
    assert DEFAULT_CONFIG.is_file()
    assert (args.cfg_options, args.work_dir) == ([], None)


def ending(outcome: int | BaseException) -> object:
    def main() -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    with pytest.raises(SystemExit) as caught:
        run_tool(main)
    return caught.value.code


@pytest.mark.parametrize('code', [0, 1])
def test_the_exit_status_is_what_the_tool_returns(code: int) -> None:
    assert ending(code) == code


@pytest.mark.parametrize(
    'error',
    [
        ValueError('q.jsonl:3: broken JSON'),
        ModuleNotFoundError('install x'),
        PermissionError('no: w'),
    ],
)
def test_wrong_input_ends_in_one_line(error: Exception) -> None:
    assert ending(error) == f'error: {error}'


def test_ctrl_c_is_130_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == 'interrupted; run the same command again to resume\n'


def test_our_own_mistakes_keep_their_traceback() -> None:
    def main() -> int:
        raise KeyError('x')

    with pytest.raises(KeyError):
        run_tool(main)


def test_the_second_ctrl_c_ends_the_process_without_a_word() -> None:
    code = (
        'import os, signal, time\n'
        'from maskdpo_xtuner.command_line import run_tool\n'
        'def main():\n'
        '    try:\n'
        '        os.kill(os.getpid(), signal.SIGINT)\n'
        '        time.sleep(10)\n'
        '    finally:\n'
        '        print("stopping", flush=True)\n'
        '        time.sleep(60)\n'
        'run_tool(main)\n'
    )
    with subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'stopping\n'
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors == ''


def test_the_meaning_of_ctrl_c_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit):
        run_tool(lambda: 0)
    assert signal.getsignal(signal.SIGINT) is before
