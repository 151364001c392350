"""Whatever stands in a config where something else is wanted: a line, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from maskdpo_xtuner import settings

SERVED = {'type': 'openai', 'model': 'm', 'base_urls': ['http://a:1'], 'extra_body': {'a': 1}}
CONFIG: dict[str, Any] = {
    'work_dir': 'w',
    'store': 's.sqlite',
    'annotation': 'all',
    'questions': {'type': 'jsonl', 'path': 'q.jsonl'},
    'policy': {**SERVED, 'template_kwargs': {'b': 1}, 'dialect': 'auto'},
    'sampling': {'num_samples': 3, 'temperature': 0.5, 'seed': 1},
    'annotator': {'type': 'anah_v2', 'engine': {'type': 'transformers', 'model': 'm'}},
    'pairs': {'rule': 'all', 'max_pairs': 3, 'options': {}},
    'evaluation': {
        'num_runs': 1,
        'questions': {'type': 'jsonl', 'path': 'q'},
        'models': {'a': 'x', 'b': dict(SERVED)},
        'judges': [{'type': 'lexical'}],
    },
    'custom_imports': {'imports': ['json']},
}
ODD: list[Any] = [
    *([], ['x'], [[1]], [None], [{'type': 'openai'}], ('a',), {}, {'x': 1}, {1: 2}),
    *({'type': 'x'}, {'type': ['x']}, {'type': None}, None, True, 5, -1, 1.5, 10**400),
    *(float('nan'), float('inf'), b'x', 'x', '', '..', 'a.b', 'a:b', '/x.py:y', '\x00', '\ud800'),
]


def places(values: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if place:
        yield place
    if isinstance(values, dict):
        for key, inner in values.items():
            yield from places(inner, (*place, key))


def put(values: dict[str, Any], place: tuple[str, ...], odd: Any) -> dict[str, Any]:
    key, *rest = place
    return {**values, key: put(values[key], tuple(rest), odd) if rest else odd}


def what_is_said() -> str | None:
    """What the settings are refused with; None where they are taken."""
    try:
        settings.load_settings(__file__)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize('place', places(CONFIG), ids='.'.join)
def test_an_odd_value_is_taken_or_refused_in_one_line_that_names_the_file(
    place: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for odd in ODD:
        values = put(copy.deepcopy(CONFIG), place, odd)
        monkeypatch.setattr(settings, 'read_config', lambda *_, found=values: found)
        said = what_is_said()
        assert said is None or (said.startswith(__file__) and '\n' not in said), (odd, said)


def test_the_values_are_put_where_they_belong() -> None:
    changed = put(CONFIG, ('policy', 'model'), ['x'])
    assert changed['policy']['model'] == ['x']
    assert CONFIG['policy']['model'] == 'm'
