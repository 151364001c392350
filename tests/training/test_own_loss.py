"""A folder with a config and a loss of the user's own; nothing in the package is edited."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F
from xtuner.registry import BUILDER

from maskdpo_xtuner.objectives import LOSSES
from maskdpo_xtuner.training import mask_preference_collate_fn
from maskdpo_xtuner.training.loops import with_terms
from tests.preference_items import random_items, token_terms

ROOT = Path(__file__).parents[2]
BASE = ROOT / 'configs' / 'llama3_8b_maskdpo.py'
# What the page tells a user to write.
PAGE = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8').partition('## A loss')[2]
MODULE, CONFIG = re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL)[:2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, on PYTHONPATH."""
    monkeypatch.setattr(LOSSES, '_items', dict(LOSSES._items))
    monkeypatch.delitem(sys.modules, 'my_loss', raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'my_loss.py').write_text(MODULE)
    return tmp_path


def load(folder: Path, model: Path, loss_type: str = 'simpo') -> Config:
    path = folder / 'my_config.py'
    text = re.sub(r"_base_ = '.*'", f'_base_ = [{str(BASE)!r}]', CONFIG)
    path.write_text(text.replace("'simpo'", repr(loss_type)))
    config = Config.fromfile(path)
    config.model.llm.pretrained_model_name_or_path = str(model)
    return config


@pytest.mark.parametrize('loss_type', ['simpo', 'my_loss.simpo'])
def test_a_config_names_a_loss_of_ones_own(folder: Path, tiny_model: Path, loss_type: str) -> None:
    model = BUILDER.build(load(folder, tiny_model, loss_type).model).double()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.llm.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    items = random_items(1)
    means = torch.stack(
        [
            (logs.gather(-1, ids.unsqueeze(-1)).squeeze(-1) * weights).sum() / weights.sum()
            for logs, ids, weights in token_terms(lambda ids: model.llm(ids).logits, items)
        ]
    )
    losses = model.compute_loss(**mask_preference_collate_fn(items))
    margins = 2.0 * (means[::2] - means[1::2])
    torch.testing.assert_close(losses['loss'], -F.logsigmoid(margins - 1.0), rtol=1e-5, atol=0)
    torch.testing.assert_close(losses['rewards/margins'], margins.mean(), rtol=1e-5, atol=0)


def test_its_traits_say_that_no_reference_is_computed(folder: Path, tiny_model: Path) -> None:
    config = load(folder, tiny_model)
    model = BUILDER.build(config.model)
    assert model.ref_llm is model.reference is None
    loader = {'dataset': {'type': 'never_built'}}
    assert with_terms(loader, type('Runner', (), {'cfg': config})) is loader


def test_a_misspelled_loss_or_option_is_answered_with_the_nearest(
    folder: Path, tiny_model: Path
) -> None:
    config = load(folder, tiny_model, 'simpl')
    with pytest.raises(ValueError, match='no loss "simpl"; did you mean "simpo"'):
        BUILDER.build(config.model)
    config = load(folder, tiny_model)
    config.model.loss_options = {'gama': 0.3}
    with pytest.raises(ValueError, match=r"no gama \(did you mean 'gamma'.*has beta, gamma, nll"):
        BUILDER.build(config.model)
