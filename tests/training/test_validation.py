from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import LOOPS
from mmengine.runner import Runner

from maskdpo_xtuner.training import MaskDPO, MaskDPOValLoop
from maskdpo_xtuner.training.validation import complete_dataloader
from tests.preference_pairs import WritePairs, released_pair
from tests.xtuner_runs import ROOT


def pretrained(folder: Path, kind: str) -> dict[str, Any]:
    return {'type': f'transformers.{kind}', 'pretrained_model_name_or_path': str(folder)}


def config(pairs: Path, tokenizer: Path, batch_size: int = 2) -> ConfigDict:
    return ConfigDict(
        tokenizer=pretrained(tokenizer, 'AutoTokenizer.from_pretrained'),
        model={'type': 'MaskDPO', 'reference': 'model'},
        train_dataloader={
            'batch_size': batch_size,
            'num_workers': 0,
            'dataset': {
                'type': 'build_mask_preference_dataset',
                'dataset': {'type': 'load_preference_pairs', 'path': 'train.jsonl'},
                'max_length': 512,
            },
            'sampler': {'type': 'LengthBalancedSampler', 'accumulative_counts': 4},
            'collate_fn': {'type': 'mask_preference_collate_fn'},
        },
        val_dataloader={'dataset': {'dataset': {'path': str(pairs)}}},
    )


def test_what_the_validation_data_do_not_say_is_as_in_training(smollm2: Path) -> None:
    cfg = config(Path('val.jsonl'), smollm2)
    completed = complete_dataloader(cfg.val_dataloader, cfg)
    assert completed['dataset']['dataset'] == {'type': 'load_preference_pairs', 'path': 'val.jsonl'}
    assert completed['dataset']['tokenizer'] == cfg.tokenizer
    assert (completed['dataset']['max_length'], completed['batch_size']) == (512, 2)
    assert completed['sampler'] == {'type': 'DefaultSampler', 'shuffle': False, 'round_up': True}
    assert cfg.train_dataloader.dataset.dataset.path == 'train.jsonl'


def test_the_example_config_evaluates_what_it_does_not_train_on() -> None:
    cfg = Config.fromfile(ROOT / 'configs/smollm2_135m_maskdpo_val.py')
    train, held_out = (
        loader['dataset']['dataset']
        for loader in (cfg.train_dataloader, complete_dataloader(cfg.val_dataloader, cfg))
    )
    assert held_out == {**train, 'part': 'held_out'}
    assert 'part' not in train
    assert train.held_out == 0.1
    assert LOOPS.get(cfg.val_cfg.type) is MaskDPOValLoop


class LineModel:
    """Gives each pair values that follow from the line it stands in."""

    def eval(self) -> None:
        self.training = False

    def val_step(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        assert not self.training
        assert not torch.is_grad_enabled()
        lines = [float(place.rpartition(':')[2]) for place in batch['data_samples']['place']]
        loss = torch.tensor(lines)
        sides = torch.stack((loss, 7 - loss), dim=-1)
        terms = {'logps': sides * 2, 'shifts': sides / 4, 'counts': sides + 1}
        return {'loss': loss, 'nll': loss / 8, 'rewards': sides, **terms}


class StandIn:
    """What the loop asks of mmengine's runner."""

    build_dataloader = staticmethod(Runner.build_dataloader)

    def __init__(self, cfg: ConfigDict) -> None:
        self.cfg, self.seed = cfg, 0
        self._randomness_cfg: dict[str, object] = {}
        self.model, self.optim_wrapper = LineModel(), None
        self.hooks: list[str] = []

    def call_hook(self, name: str, **arguments: Any) -> None:
        self.hooks.append(name)


def evaluate_as(rank: int, world_size: int, runner: StandIn) -> torch.Tensor:
    """The sums of one rank before they are added to the others'."""
    sums = []
    module = 'maskdpo_xtuner.training.validation'
    with (
        patch('mmengine.dataset.sampler.get_dist_info', return_value=(rank, world_size)),
        patch(f'{module}.get_rank', return_value=rank),
        patch(f'{module}.get_world_size', return_value=world_size),
        patch(f'{module}.all_reduce', lambda values: sums.append(values.clone())),
    ):
        MaskDPOValLoop(runner, runner.cfg.val_dataloader).run()
    found: torch.Tensor = sums[0]
    return found


@pytest.mark.parametrize('world_size', [1, 2, 3, 8])
@pytest.mark.parametrize('batch_size', [1, 2])
def test_every_pair_counts_once_on_any_number_of_ranks(
    write_pairs: WritePairs, smollm2: Path, world_size: int, batch_size: int
) -> None:
    pairs = write_pairs([released_pair()] * 5)
    runner = StandIn(config(pairs, smollm2, batch_size))
    ranks = [evaluate_as(rank, world_size, runner) for rank in range(world_size)]
    sums = torch.stack(ranks).sum(dim=0)
    # Pairs, losses 1 to 5, logps, tokens, shifts, and rewards, of which two favour the chosen.
    assert sums.tolist() == [5, 15, 15 / 8, 30, 40, 20, 25, 15 / 4, 5, 15, 20, 2, -5]


def test_metrics_are_means_over_pairs_and_tokens(write_pairs: WritePairs, smollm2: Path) -> None:
    runner = StandIn(config(write_pairs([released_pair()] * 5), smollm2))
    loop = LOOPS.build(
        {'type': 'MaskDPOValLoop'},
        default_args={'runner': runner, 'dataloader': runner.cfg.val_dataloader, 'evaluator': []},
    )
    assert loop.run() == {
        'val/loss': 3.0,
        'val/nll': 3 / 8,
        'val/rewards/chosen': 3.0,
        'val/rewards/rejected': 4.0,
        'val/rewards/accuracies': 0.4,
        'val/rewards/margins': -1.0,
        'val/logps/chosen': 30 / 5,
        'val/logps/rejected': 40 / 5,
        'val/token_logps/chosen': 30 / 20,
        'val/token_logps/rejected': 40 / 25,
        'val/token_logps/chosen_shift': 15 / 4 / 20,
        'val/token_logps/rejected_shift': 5 / 25,
    }
    iterations = ['before_val_iter', 'after_val_iter'] * 3
    ends = ['after_val_epoch', 'after_val']
    assert runner.hooks == ['before_val', 'before_val_epoch', *iterations, *ends]


@pytest.mark.parametrize(
    'loss',
    [
        {'loss_type': 'sigmoid', 'loss_options': {'nll': 0.5}},
        {'loss_type': 'kto_pair', 'loss_options': {'nll': 0.5}},
        {'loss_type': 'ipo'},
        {'loss_type': 'sft'},
    ],
    ids=str,
)
def test_predictions_average_to_what_training_logs(
    write_pairs: WritePairs, tiny_model: Path, loss: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    llm = pretrained(tiny_model, 'AutoModelForCausalLM.from_pretrained')
    model = MaskDPO(ConfigDict(llm), reference='model', **loss)
    for weight in model.llm.parameters():
        weight.data += 0.02 * torch.randn_like(weight)
    path = write_pairs([released_pair(question=f'What is {word}?') for word in ('tin', 'lead ore')])
    cfg = config(path, tiny_model)
    cfg.model = {'type': 'MaskDPO', 'reference': 'model', **loss}
    loader = {**complete_dataloader(cfg.val_dataloader, cfg), 'batch_size': 2}
    runner = StandIn(cfg)
    runner.model = model
    metrics = MaskDPOValLoop(runner, loader).run()
    (batch,) = MaskDPOValLoop(runner, loader).dataloader
    with torch.no_grad():
        logged = model.compute_loss(**batch)
    logged['loss'] = logged['loss'].mean()
    del logged['supervised_share']
    assert metrics == pytest.approx({f'val/{name}': float(x) for name, x in logged.items()})
    assert model.predict(**batch)['loss'].shape == (2,)
