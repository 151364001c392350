"""The scripts for Slurm, without Slurm: what they run, with which variables."""

from __future__ import annotations

from pathlib import Path

from tests.slurm.jobs import SCRIPTS, array_task, commands, job_of, run

SAY = 'echo "$NNODES $NODE_RANK $ADDR $PORT $NPROC_PER_NODE: $*"'


def test_every_script_says_how_it_is_submitted() -> None:
    scripts = sorted(SCRIPTS.glob('*.sh'))
    assert len(scripts) == 3
    for script in scripts:
        head = script.read_text(encoding='utf-8').partition('set -euo pipefail')[0]
        assert f'tools/slurm/{script.name} ' in head
        assert '#SBATCH --job-name=maskdpo-' in head


def test_a_task_of_an_array_does_the_shard_of_its_number(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', maskdpo='echo "$*"')
    for number in (0, 1):
        ended = run(
            'sample.sh', bin_, array_task(number, 0, 1, 2), 'c.py', '--cfg-options', 'a=1',
            cwd=tmp_path,
        )  # fmt: skip
        assert ended == (0, f'sample c.py --cfg-options a=1 --quiet --shard {number}/2\n', '')


def test_some_tasks_of_an_array_need_the_number_of_all_shards(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', maskdpo='echo "$*"')
    part = array_task(3, 3, 7, 2)
    status, said, warned = run('sample.sh', bin_, part, 'c.py', cwd=tmp_path)
    assert (status, said) == (2, '')
    assert 'SHARDS=16' in warned
    _, said, _ = run('sample.sh', bin_, {**part, 'SHARDS': '16'}, 'c.py', cwd=tmp_path)
    assert said == 'sample c.py --quiet --shard 3/16\n'


def test_a_training_has_a_torchrun_on_every_machine(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', maskdpo=SAY)
    status, said, _ = run(
        'train.sh', bin_, {**job_of(nodes=2), 'SLURM_GPUS_ON_NODE': '8'}, 'c.py',
        '--cfg-options', 'a=b c', cwd=tmp_path,
    )  # fmt: skip
    assert status == 0
    assert sorted(said.splitlines()) == [
        f'2 {rank} 127.0.0.1 20007 8: train c.py --cfg-options a=b c' for rank in (0, 1)
    ]


def test_a_training_that_is_submitted_again_goes_on(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', maskdpo=SAY)
    job = {**job_of(), 'WORK_DIR': 'work', 'PORT': '29500'}
    _, said, _ = run('train.sh', bin_, job, 'c.py', cwd=tmp_path)
    assert said == '1 0 127.0.0.1 29500 1: train c.py --work-dir work\n'
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'last_checkpoint').write_text('work/iter_4.pth')
    _, said, _ = run('train.sh', bin_, job, 'c.py', cwd=tmp_path)
    assert said.endswith('train c.py --work-dir work --resume work/iter_4.pth\n')


def test_a_failing_machine_fails_the_job(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', maskdpo='exit $NODE_RANK')
    assert run('train.sh', bin_, job_of(nodes=2), 'c.py', cwd=tmp_path)[0] == 1


def test_servers_without_a_proxy_end_the_job(tmp_path: Path) -> None:
    bin_ = commands(tmp_path / 'bin', lmdeploy='exit 1', curl='exit 7')
    status, said, _ = run('serve.sh', bin_, job_of(tasks=2), 'model', cwd=tmp_path)
    assert (status, said) == (1, '')


def test_servers_that_all_end_end_the_job(tmp_path: Path) -> None:
    bin_ = commands(
        tmp_path / 'bin', lmdeploy='[[ $2 == proxy ]] && exec sleep 60; exit 1', curl='echo "{}"'
    )
    job = {**job_of(tasks=2), 'ADDRESS': 'address'}
    assert run('serve.sh', bin_, job, 'model', cwd=tmp_path)[0] == 1
    assert not (tmp_path / 'address').exists()
