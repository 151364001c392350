"""What becomes of a family of models: packed, plain, or refused, with what its user is told."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.modeling.versions import ALL_MASK_ATTENTION_FUNCTIONS

ROOT = Path(__file__).parents[2]
newer = pytest.mark.skipif(ALL_MASK_ATTENTION_FUNCTIONS is None, reason='transformers < 4.53')


@pytest.fixture(scope='module')
def script() -> Any:
    spec = spec_from_file_location('families', ROOT / 'benchmarks/families.py')
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules['families'] = module_from_spec(spec)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


OF_NEWER = ('qwen3_moe', 'gemma3_text', 'granitemoe')
PACKED = ('llama', *(pytest.param(each, marks=newer) for each in OF_NEWER))


@pytest.mark.parametrize('family', PACKED)
def test_packed_pairs_give_the_loss_and_the_gradient_of_plain_ones(
    script: Any, family: str
) -> None:
    assert script.try_family(family).kind == 'packed'


PLAIN = {
    'falcon': 'computes its attention by itself',
    'bloom': 'computes its attention by itself',
}
NEWER = {
    'gemma2': 'caps the scores of its attention',
    'gpt_oss': 's_aux',
    'qwen3_next': 'linear_attention, which no mask keeps within a response',
    'lfm2': 'layers of conv, which no mask',
}


@pytest.mark.parametrize(
    ('family', 'why'),
    [*PLAIN.items(), *(pytest.param(*each, marks=newer) for each in NEWER.items())],
)
def test_what_a_mask_does_not_keep_apart_trains_in_rows_of_its_own(
    script: Any, family: str, why: str
) -> None:
    outcome = script.try_family(family)
    assert outcome.kind == 'plain'
    assert why in outcome.remark


@pytest.mark.slow
def test_the_page_of_the_docs_is_what_a_run_gives(script: Any) -> None:
    path = ROOT / 'docs/families.md'
    page = path.read_text(encoding='utf-8') if path.exists() else ''
    if f'transformers {script.transformers.__version__},' not in page:
        pytest.skip('the page is of another version')
    outcomes = [script.try_family(family) for family in script.families()]
    assert script.page(outcomes).splitlines()[4:] == page.splitlines()[4:]
