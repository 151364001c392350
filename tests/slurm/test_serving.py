"""Servers behind LMDeploy's proxy, as a job starts them, and an array that asks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import Response
from tests.engines.lmdeploy_server import free_ports
from tests.models import tiny_llama
from tests.pipeline.work_dirs import write_questions
from tests.slurm.jobs import MASKDPO, array_task, commands, ended_well, job_of, start
from tests.tokenizers import tokenizer_folder

DATA = """
work_dir = 'work'
questions = dict(type='jsonl', path='questions.jsonl')
sampling = dict(num_samples=2, max_new_tokens=20)
policy = dict(type='openai', model='small', base_urls=['{url}'], tokenizer='model')
"""


@pytest.mark.slow
def test_two_servers_behind_the_proxy_answer_two_shards(tmp_path: Path) -> None:
    """LMDeploy's own proxy and servers, with a stand-in for its engine."""
    model = tiny_llama(tmp_path / 'model', tokenizer_folder('llama3'))
    write_questions(tmp_path / 'questions.jsonl', 8)
    proxy, *ports = free_ports(3)
    servers = (
        'if [[ $2 == proxy ]]; then exec python -m lmdeploy "$@"; fi\n'
        'model=$3; while [[ $1 != --server-port ]]; do shift; done\n'
        'url=$4; ports=(' + ' '.join(map(str, ports)) + ')\n'
        'exec python -m tests.engines.lmdeploy_server "$model" '
        '"${ports[$SLURM_LOCALID]}" --proxy-url "$url"'
    )
    bin_ = commands(tmp_path / 'bin', maskdpo=f'{MASKDPO} "$@"', lmdeploy=servers)
    address = tmp_path / 'address'
    job = {
        **job_of(tasks=2),
        'PROXY_PORT': str(proxy),
        'ADDRESS': str(address),
        # The stand-in has no monitor of its health, and the proxy would leave it out after 90 s.
        'LMDEPLOY_CONTROLLER_HEART_BEAT_EXPIRATION': '3600',
    }
    serving = start('serve.sh', bin_, job, str(model), cwd=tmp_path)
    try:
        assert serving.stdout is not None
        while 'servers at' not in (line := serving.stdout.readline()):
            assert line, serving.communicate()[1][-3000:]
        url = address.read_text().strip()
        assert url == f'http://127.0.0.1:{proxy}'
        (tmp_path / 'data.py').write_text(DATA.format(url=url))
        tasks = [
            start('sample.sh', bin_, array_task(number, 0, 1, 2), 'data.py', cwd=tmp_path)
            for number in (0, 1)
        ]
        ended_well(tasks)
    finally:
        serving.terminate()
        serving.communicate()
    assert not address.exists()
    for number in (0, 1):
        shard = tmp_path / 'work' / 'shards' / f'{number}-of-2'
        assert len(list(read_records(shard / 'responses.jsonl', Response))) == 8
