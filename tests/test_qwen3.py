"""A model of today by the commands of a user: a small random Qwen3, from sampling to conversion."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import PreferencePair, Response
from maskdpo_xtuner.xtuner_cli import XTunerError
from tests.models import tiny_qwen3
from tests.thinking_templates import NO_THINKING, QWEN3
from tests.tokenizers import tokenizer_folder
from tests.xtuner_runs import ROOT, XTunerRuns

KNOWN = tuple(int(part) for part in version('transformers').split('.')[:2]) >= (4, 51)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not KNOWN, reason='this transformers does not know Qwen3'),
]
# Random texts state nothing: odd samples are right here, and even ones wrong.
JUDGE = """
from maskdpo_xtuner.annotators.settings import AnnotatorSettings
from maskdpo_xtuner.records import Label, Sentence
from maskdpo_xtuner.registry import ANNOTATORS


class Parity:
    identity = {'name': 'parity', 'version': '1'}

    def annotate(self, question, response):
        label = Label.NO_HALLUCINATION if response.sample_index % 2 else Label.CONTRADICTORY
        return [self.dialogue(response, label)]

    def dialogue(self, response, label):
        yield from ()
        return (Sentence(start=0, end=len(response.text), label=label),)


@ANNOTATORS.register_module('parity')
class ParitySettings(AnnotatorSettings):
    def build(self):
        return Parity(), None
"""


def sample(folder: Path, model: Path) -> Path:
    """Run the command that makes pairs; gives its work dir."""
    (folder / 'parity.py').write_text(JUDGE)
    lines = (
        {'question': f'What is element {n}?', 'document': f'Element {n} is a metal.'}
        for n in range(16)
    )
    more = {'language': 'en'}
    (folder / 'q.jsonl').write_text(''.join(json.dumps({**line, **more}) + '\n' for line in lines))
    config = folder / 'data.py'
    config.write_text(
        "custom_imports = dict(imports=['parity'])\n"
        f'work_dir = {str(folder / "work")!r}\n'
        f"questions = dict(type='jsonl', path={str(folder / 'q.jsonl')!r})\n"
        f"policy = dict(type='transformers', model={str(model)!r}, template_kwargs={NO_THINKING})\n"
        # All are cut, and some of random bytes are damaged: of six samples enough are not.
        "annotator = dict(type='parity', cut_sentence='judged')\n"
        'sampling = dict(num_samples=6, max_new_tokens=16)\n'
    )
    command = [sys.executable, str(ROOT / 'tools' / 'sample_and_annotate.py'), str(config)]
    subprocess.run([*command, '--quiet'], check=True, cwd=folder)
    return folder / 'work'


def refused(train: Callable[[], object]) -> str:
    """What a training says that does not begin."""
    with pytest.raises(XTunerError) as failed:
        train()
    return str(failed.value)


def test_qwen3_goes_from_sampling_to_conversion(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = tiny_qwen3(tmp_path / 'model', tokenizer_folder('qwen'))
    work_dir = sample(tmp_path, model)
    kwargs = json.dumps(NO_THINKING)
    responses = list(read_records(work_dir / 'responses.jsonl', Response))
    assert {response.template_kwargs for response in responses} == {kwargs}
    pairs = list(read_records(work_dir / 'pairs.jsonl', PreferencePair))
    assert len(pairs) == 16
    assert all((pair.provenance or {})['template_kwargs'] == kwargs for pair in pairs)

    runs = XTunerRuns('configs/qwen3_8b_maskdpo.py', model, work_dir / 'pairs.jsonl', tmp_path)
    fast = 'optim_wrapper.optimizer.lr=1e-3'
    thoughts = 'train_dataloader.dataset.template_kwargs.enable_thinking=True'
    said = refused(lambda: runs.train('thoughts', 6, fast, thoughts, '--deepspeed', 'zero2'))
    assert 'the responses were sampled with template_kwargs {"enable_thinking": false}' in said
    checkpoint = runs.train('short', 6, fast, '--deepspeed', 'zero2')
    folder = runs.convert(checkpoint)
    converted = AutoModelForCausalLM.from_pretrained(folder, torch_dtype='auto').state_dict()
    state = torch.load(checkpoint / 'mp_rank_00_model_states.pt', weights_only=False)['module']
    assert all(torch.equal(state[f'llm.{name}'], value) for name, value in converted.items())
    assert AutoTokenizer.from_pretrained(folder).chat_template == QWEN3
