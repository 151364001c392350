"""Scripts with which bash and zsh complete the command line of ``maskdpo``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SHELLS = ('bash', 'zsh')
_CONFIGS = ('config', 'name')
"""Names of the arguments that take the name of a config."""

_BASH = """\
# Completion of maskdpo in bash: source <(maskdpo completion bash)
_maskdpo() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} known=
    local configs='{configs}'
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W '{commands}' -- "$cur"))
        return
    fi
    case "${{COMP_WORDS[1]}} $before" in
{values}
    esac
    case "${{COMP_WORDS[1]}}" in
{words}
    esac
    COMPREPLY=($(compgen -W "$known" -- "$cur") $(compgen -f -- "$cur"))
}}
complete -o filenames -F _maskdpo maskdpo
"""
_ZSH = """\
#compdef maskdpo
# Completion of maskdpo in zsh, after compinit: source <(maskdpo completion zsh)
_maskdpo() {{
    local -a configs=({configs})
    if (( CURRENT == 2 )); then
        local -a commands=({commands})
        _describe command commands
        return
    fi
    case "$words[2] $words[CURRENT-1]" in
{values}
    esac
    case "$words[2]" in
{words}
    esac
    _files
}}
compdef _maskdpo maskdpo
"""


@dataclass(frozen=True)
class Words:
    """What may stand behind a command.

    Attributes:
        options: names with dashes, and fixed words in the place of an argument.
        values: of an option that takes one of few.
        configs: whether it takes the name of a config.
    """

    options: Sequence[str]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    configs: bool = False


def words_of(parser: argparse.ArgumentParser) -> Words:
    """Give what a parser reads, below its subcommands too."""
    options: list[str] = []
    values: dict[str, Sequence[str]] = {}
    configs = False
    for action in parser._actions:
        choices = [str(choice) for choice in action.choices or ()]
        options += action.option_strings or choices
        values.update({name: choices for name in action.option_strings if choices})
        configs = configs or action.dest in _CONFIGS
        if isinstance(action, argparse._SubParsersAction):
            for below in map(words_of, action.choices.values()):
                options += below.options
                values.update(below.values)
                configs = configs or below.configs
    return Words(list(dict.fromkeys(options)), values, configs)


def completion(
    shell: str, commands: Mapping[str, Words], said: Mapping[str, str], configs: Sequence[str]
) -> str:
    """Write the script of a shell.

    Args:
        shell: one of `SHELLS`.
        commands: what may stand behind each command.
        said: the line about each command, which zsh shows.
        configs: names of the configs that come with the package.
    """
    names = ' '.join(configs)
    if shell == 'bash':
        values = _cases(commands, lambda words: f'COMPREPLY=($(compgen -W \'{words}\' -- "$cur"))')
        words = _words(commands, lambda words: f'known="{words}"')
        return _BASH.format(commands=' '.join(commands), configs=names, values=values, words=words)
    values = _cases(commands, lambda words: f'compadd -- {words}')
    words = _words(commands, lambda words: f'compadd -- {words}')
    named = ' '.join(f"'{name}:{_quoted(said.get(name, ''))}'" for name in commands)
    return _ZSH.format(commands=named, configs=names, values=values, words=words)


def _quoted(text: str) -> str:
    return text.replace(':', ' -').replace("'", '')


def _cases(commands: Mapping[str, Words], offer: Callable[[str], str]) -> str:
    return '\n'.join(
        f'        "{name} {option}") {offer(" ".join(choices))}; return ;;'
        for name, words in commands.items()
        for option, choices in words.values.items()
    )


def _words(commands: Mapping[str, Words], offer: Callable[[str], str]) -> str:
    return '\n'.join(
        f'        {name}) {offer(" ".join([*words.options, *words.configs * ["$configs"]]))} ;;'
        for name, words in commands.items()
    )
