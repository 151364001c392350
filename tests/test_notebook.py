"""The notebook of docs: its form, and its cells from top to bottom with a small random model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.reports.inline import Inline
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

NOTEBOOK = Path(__file__).parents[1] / 'docs' / 'notebooks' / 'own_questions.ipynb'
PARAMETERS = """
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings
from maskdpo_xtuner.registry import ENGINES

TEXTS = 'Mars is a rocky planet. It is a thing.', 'Mars is a gas giant. Mars has nine moons.'


@ENGINES.register_module('two_texts')
class TwoTexts(EngineSettings):
    def build(self):
        return ScriptedEngine(lambda request: TEXTS[request.seed % 2])


MODEL = {model!r}
POLICY = dict(type='two_texts')
SAMPLES = 4
MAX_NEW_TOKENS = 60
EPOCHS = 1
"""


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding='utf-8'))['cells']
    return found


def test_the_notebook_is_of_the_form_that_jupyter_opens_and_has_no_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding='utf-8'))
    assert (notebook['nbformat'], notebook['nbformat_minor']) == (4, 5)
    assert notebook['metadata']['kernelspec']['language'] == 'python'
    assert len({cell['id'] for cell in cells()}) == len(cells())
    for cell in cells():
        assert cell['cell_type'] in ('code', 'markdown')
        if cell['cell_type'] == 'code':
            assert (cell['execution_count'], cell['outputs']) == (None, [])
            compile(''.join(cell['source']), str(NOTEBOOK), 'exec')
    tags = [cell['metadata'].get('tags') for cell in cells()]
    assert tags.count(['parameters']) == 1


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and give the value of its last line, where that is one."""
    *body, last = source.rstrip().split('\n')
    try:
        value = compile(last, str(NOTEBOOK), 'eval')
    except SyntaxError:
        exec(compile(source, str(NOTEBOOK), 'exec'), names)
        return None
    exec(compile('\n'.join(body), str(NOTEBOOK), 'exec'), names)
    return eval(value, names)


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_llama(tmp_path / 'model', tokenizer_folder('smollm2'))
    (tmp_path / 'work').mkdir()
    monkeypatch.chdir(tmp_path / 'work')
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(NOTEBOOK.parents[2])]))
    monkeypatch.setenv('HF_DATASETS_CACHE', str(tmp_path / 'cache'))
    names: dict[str, Any] = {'__name__': '__main__'}
    shown = []
    for cell in cells():
        if cell['cell_type'] == 'code':
            is_parameters = cell['metadata'].get('tags') == ['parameters']
            given = PARAMETERS.format(model=str(model))
            shown.append(run_cell(given if is_parameters else ''.join(cell['source']), names))
    masks, page = [value for value in shown if isinstance(value, Inline)]
    assert 'chosen: ' in masks.html
    assert '<span style="background' in masks.html
    assert page.html.startswith('<iframe srcdoc=')
    for path in ('pairs/pairs.jsonl', 'pairs/pairs.html', 'training/last_checkpoint'):
        assert Path(path).is_file(), path
