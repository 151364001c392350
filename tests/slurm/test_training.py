"""Two processes that train together, however they were started."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.engines.lmdeploy_server import free_ports
from tests.slurm.jobs import MASKDPO, commands, ended_well, job_of, run, started
from tests.xtuner_runs import small_training

CONFIG = 'llama3_8b_maskdpo'


def weights(work_dir: Path) -> dict[str, torch.Tensor]:
    """The weights of the last checkpoint."""
    checkpoint = Path((work_dir / 'last_checkpoint').read_text().strip())
    state = torch.load(checkpoint / 'mp_rank_00_model_states.pt', weights_only=False)
    found: dict[str, torch.Tensor] = state['module']
    return found


def options_of(folder: Path) -> list[str]:
    """Options of the config for a small model and as few pairs."""
    return [
        *('--deepspeed', 'zero2', '--cfg-options'),
        *small_training(folder, 16),
        'train_dataloader.batch_size=4',
        'optim_wrapper.optimizer.lr=1e-3',
        'default_hooks.checkpoint.interval=2',
    ]


@pytest.mark.slow
def test_two_machines_go_on_from_what_slurm_has_started_and_end_in_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_of(tmp_path)
    monkeypatch.setenv('HF_DATASETS_CACHE', str(tmp_path / 'datasets_cache'))
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    bin_ = commands(tmp_path / 'bin', maskdpo=f'{MASKDPO} "$@"')
    (port, other) = map(str, free_ports(2))
    # One process a task, as `srun maskdpo train CONFIG --launcher slurm` on two machines.
    job = {**job_of(nodes=2), 'MASTER_PORT': port, 'WORK_DIR': 'straight'}
    launched = ['train', CONFIG, '--launcher', 'slurm', '--work-dir', 'straight', *options]
    ended_well([started(bin_, job, ['srun', 'maskdpo', *launched], tmp_path)])
    assert (tmp_path / 'straight' / 'last_checkpoint').read_text().strip().endswith('iter_6.pth')
    # Again from the middle, by torchrun on each machine.
    (tmp_path / 'again').mkdir()
    (tmp_path / 'again' / 'last_checkpoint').write_text('straight/iter_4.pth')
    job = {**job_of(nodes=2), 'WORK_DIR': 'again', 'PORT': other}
    status, said, warned = run('train.sh', bin_, job, CONFIG, *options, cwd=tmp_path)
    assert status == 0, warned[-3000:]
    assert said.count('next: maskdpo convert') == 1
    monkeypatch.chdir(tmp_path)
    straight, again = weights(Path('straight')), weights(Path('again'))
    assert all(torch.equal(straight[name], again[name]) for name in straight)
