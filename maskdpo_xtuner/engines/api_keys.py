"""The key that a server wants: read from the environment, and never shown."""

from __future__ import annotations

import os

# Servers refuse headers of about this size; a key of a few hundred characters is a long one.
LONGEST = 8000


def read_api_key(variable: str | None) -> str:
    """Give the key that an environment variable holds; empty without a variable.

    Raises:
        ValueError: naming the variable, never its value, when it cannot be sent.
    """
    if variable is None:
        return ''
    key = os.environ.get(variable, '')
    if problem := _problem(key):
        raise ValueError(f'api_key_env: the environment variable {variable} {problem}')
    return key


def _problem(key: str) -> str | None:
    if not key:
        return 'is not set'
    if not key.strip():
        return 'is blank'
    if key != key.strip():
        return 'begins or ends with a blank or a line break; remove it'
    if not key.isascii() or not key.isprintable() or ' ' in key:
        return 'holds a character that no key has (a blank, a line break, a letter with an accent)'
    if len(key) > LONGEST:
        return f'holds {len(key)} characters, more than the {LONGEST} that a server takes'
    return None
