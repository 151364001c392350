"""docs/evaluation.md: its config can be read, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from maskdpo_xtuner.evaluation.shortfalls import Kind
from maskdpo_xtuner.evaluation_settings import EvaluationSettings

PAGE = (Path(__file__).parents[2] / 'docs' / 'evaluation.md').read_text(encoding='utf-8')


def test_the_config_can_be_read() -> None:
    (code,) = (c for c in re.findall(r'```python\n(.*?)```', PAGE, re.S) if 'evaluation = ' in c)
    values: dict[str, Any] = {}
    exec(code, values)
    settings = EvaluationSettings.model_validate(values['evaluation'])
    assert [each.name for each in settings.sets] == ['anah', 'biography']
    assert len(settings.models['maskdpo']) == 3


def test_every_setting_is_named() -> None:
    for key in EvaluationSettings.model_fields.keys() - {'text_quality'}:
        assert f'`{key}`' in PAGE, key


def test_every_outcome_is_named() -> None:
    for kind in get_args(Kind):
        assert f'| {kind} |' in PAGE
