"""The text that the transformers engine sends to an InternLM2 model, start token included."""

from __future__ import annotations

import asyncio

import pytest

from maskdpo_xtuner.annotators.anah_v2 import (
    AnahV2Annotator,
    Context,
    DialogueSettings,
    Prompts,
)
from maskdpo_xtuner.engines import decoding, groups
from maskdpo_xtuner.engines.transformers import TransformersEngine
from maskdpo_xtuner.records import Question
from tests.annotators.anah_v2.internlm2 import internlm2_template, internlm2_tokenizer
from tests.models import tiny_llama

SHORT = Prompts(
    {
        'existence': dict.fromkeys(('en', 'zh'), '\n    {question} {sentence} \n    '),
        'reference': dict.fromkeys(('en', 'zh'), '{question} {sentence} {reference}'),
        'type': dict.fromkeys(('en', 'zh'), '{question} {sentence} {reference}'),
    },
    'short',
)
QUESTION = Question(question_id='q', question='谁？', document='D', language='zh', topic='t')
GOLDEN = '<|im_start|>user\n\n    谁？ S. \n    <|im_end|>\n<|im_start|>assistant\n'


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> TransformersEngine:
    folder = tmp_path_factory.mktemp('model')
    internlm2_tokenizer().save_pretrained(folder / 'tokenizer')
    return TransformersEngine(str(tiny_llama(folder / 'internlm2', folder / 'tokenizer')))


@pytest.mark.parametrize(
    ('system', 'golden'),
    [
        (None, f'<s>{GOLDEN}'),
        ('You judge.', f'<s><|im_start|>system\nYou judge.<|im_end|>\n{GOLDEN}'),
    ],
)
def test_the_model_reads_what_internlm2_was_trained_on(
    engine: TransformersEngine,
    monkeypatch: pytest.MonkeyPatch,
    system: str | None,
    golden: str,
) -> None:
    read: list[str] = []

    def decode(model: object, rows: decoding.Rows, *_: object, **__: object) -> list[list[int]]:
        read.extend(map(internlm2_tokenizer().decode, rows.prompt_ids))
        return [[internlm2_tokenizer().eos_token_id] for _ in rows.prompts]

    monkeypatch.setattr(groups, 'decode_in_groups', decode)
    annotator = AnahV2Annotator(
        engine.identity, SHORT, Context(999, internlm2_template()), DialogueSettings(system=system)
    )
    request = next(annotator.judge(QUESTION, 'S.', (0, 2)))
    asyncio.run(engine.complete([request]))
    assert read == [golden]
    assert annotator.identity['engine.model'] == 'internlm2'
