"""`configs/data/llama3_8b_anah.py` as it is, over LMDeploy's own code with a stand-in for its GPU.

Models and question file are put in as a user would, by options.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.records import AnnotatedResponse, Label, PreferencePair
from maskdpo_xtuner.settings import load_settings
from tests.engines.stand_in import Handle, engine_output, stand_in_turbomind
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

CONFIG = Path(__file__).parents[2] / 'configs' / 'data' / 'llama3_8b_anah.py'
TRUE, FALSE = 'Tin is a metal.', 'Tin is a gas.'
# No topic, no id: the fields that ANAH-v2's own file has to have.
QUESTIONS = [
    {'question': f'What is tin, {n}?', 'document': 'Tin is a metal.', 'language': 'en'}
    for n in range(2)
]


def answer(prompt: str, seed: int) -> str:
    """What the policy or the annotator says to a rendered prompt."""
    turn = prompt.rpartition('<|im_start|>user\n')[2]
    if '<Facts Present>' in turn:
        return '<Facts Present>'
    if '<No Hallucination>' in turn:
        return '<Contradictory>' if FALSE in turn else '“<No Hallucination>”\n'
    if '<SEP>' in turn:
        return 'Tin is a metal.<SEP>It is one.'
    return f'{TRUE} {FALSE}' if seed % 2 else TRUE


@pytest.fixture
def lmdeploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def outputs(self: Handle, prompt: str, gen_config: Any) -> AsyncIterator[Any]:
        from lmdeploy.messages import ResponseType

        text = answer(prompt, gen_config.random_seed)
        ids = self.engine.tokenizer.encode(text, add_special_tokens=False)
        yield engine_output(ResponseType.FINISH, [*ids, gen_config.stop_token_ids[0]])

    monkeypatch.setattr('maskdpo_xtuner.engines.lmdeploy._check_machine', lambda device: None)
    monkeypatch.setattr(Handle, '_outputs', outputs)
    with stand_in_turbomind():
        yield


def test_the_papers_config_makes_pairs(tmp_path: Path, lmdeploy: None) -> None:
    questions = tmp_path / 'question_document.jsonl'
    questions.write_text(''.join(json.dumps(question) + '\n' for question in QUESTIONS))
    options: dict[str, object] = {'questions.path': str(questions)}
    for name, key in (('llama', 'policy'), ('anah-v2', 'annotator.engine')):
        options[f'{key}.model'] = str(tiny_llama(tmp_path / name, tokenizer_folder('smollm2')))
        options[f'{key}.options.enable_metrics'] = False
    with pytest.warns(UserWarning, match='anah-v2 was trained on the published prompts'):
        summary = run_pipeline(load_settings(CONFIG, options, tmp_path / 'work'), quiet=True)

    annotated = list(read_records(tmp_path / 'work' / 'annotated.jsonl', AnnotatedResponse))
    assert len(annotated) == 2 * 32
    assert {response.annotator['engine.model'] for response in annotated} == {'anah-v2'}
    judged = {
        (response.text[sentence.start : sentence.end].strip(), sentence.label)
        for response in annotated
        for sentence in response.sentences
        if not sentence.is_not_needed
    }
    assert judged == {(TRUE, Label.NO_HALLUCINATION), (FALSE, Label.CONTRADICTORY)}
    # Two sentences for each of two questions, three turns each, however often they were said.
    assert summary.turns.asked == 2 * 2 * 3
    assert summary.turns.failed == 0

    pairs = list(read_records(tmp_path / 'work' / 'pairs.jsonl', PreferencePair))
    assert [(p.chosen[0].content, p.rejected[0].content) for p in pairs] == [
        (TRUE, f'{TRUE} {FALSE}')
    ] * 2
