"""The configs of `tools/evaluate.py` alone load, and are the paper's."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.engines.settings import EngineSettings
from maskdpo_xtuner.evaluation.paper import paper_table
from maskdpo_xtuner.evaluation.planning import plan
from maskdpo_xtuner.settings import load_settings

CONFIGS = Path(__file__).parents[1] / 'configs' / 'evaluation'
OPEN = CONFIGS / 'open_models.py'


def model_of(source: str | EngineSettings) -> str | None:
    return source if isinstance(source, str) else source.model


def test_the_open_models_are_those_of_table_1_greedy_and_once() -> None:
    asked = load_settings(OPEN).evaluation
    assert asked is not None
    names = {row.cells[0] for row in paper_table('table1').rows if row.runs == 'one'}
    assert set(asked.models) == names
    assert (asked.num_runs, asked.top_k) == (1, 1)
    models = [model_of(source) for (source,) in asked.models.values()]
    assert len(set(models)) == 9
    sizes = [name.rpartition('-')[2].lower() for name in asked.models]
    assert all(f'-{size}' in str(m).lower() for size, m in zip(sizes, models, strict=True))


def test_every_open_model_has_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = '{"question": "Who?", "document": "Somebody.", "language": "en", "topic": "t"}\n'
    Path('test_question_document.jsonl').write_text(line)
    engines = plan(load_settings(OPEN)).engines
    assert {engine.type for engine in engines.values()} == {'lmdeploy'}
    assert engines['Gemma2-27B'].model_dump()['backend'] == 'pytorch'
    assert getattr(engines['Qwen2-72B'], 'options', None) == {'tp': 4}


def test_a_served_model_takes_the_place_of_one_as_the_config_says(tmp_path: Path) -> None:
    documented = OPEN.read_text(encoding='utf-8').partition('config of yours:\n')[2]
    lines = documented.partition('"""')[0].strip().splitlines()
    own = tmp_path / 'own.py'
    own.write_text('\n'.join(line.strip() for line in lines))
    asked = load_settings(own).evaluation
    assert asked is not None
    (served,) = asked.models['Qwen2-72B']
    assert isinstance(served, EngineSettings)
    assert (served.type, served.model) == ('openai', 'Qwen/Qwen2-72B-Instruct')
    assert asked.models['Qwen2-7B'] == ('Qwen/Qwen2-7B-Instruct',)
