"""docs/factscore.md shows what works: its config loads, and every setting is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maskdpo_xtuner import cli
from maskdpo_xtuner.annotators.factscore.settings import FactScoreSettings
from maskdpo_xtuner.questions import NamedPages
from maskdpo_xtuner.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'factscore.md').read_text(encoding='utf-8')


def test_the_config_loads_as_it_stands(tmp_path: Path) -> None:
    (config,) = re.findall(r'```python\n(.*?)```', PAGE, re.S)
    path = tmp_path / 'config.py'
    path.write_text(config)
    assert isinstance(load_settings(path).annotator, FactScoreSettings)


@pytest.mark.parametrize(
    ('kind', 'heading'), [(FactScoreSettings, '## 2. The judge'), (NamedPages, '## 3. Biographies')]
)
def test_every_setting_is_on_the_page(
    kind: type[FactScoreSettings | NamedPages], heading: str
) -> None:
    section = PAGE.partition(heading)[2].partition('\n## ')[0]
    settings = kind.model_fields.keys() - {'type', 'splitter', 'cut_sentence'}
    assert {name for name in settings if f'`{name}`' not in section} == set()


def test_its_commands_are_there() -> None:
    named = set(re.findall(r'^ *maskdpo ([\w-]+)', PAGE, re.M))
    assert named == {'build-knowledge', 'import-factscore-demonstrations', 'count-factscore'}
    assert named <= cli._tools().keys()
