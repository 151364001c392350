"""Scores against one unpadded response at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from maskdpo_xtuner.masking import MaskingError, render
from maskdpo_xtuner.sepo.scorer import LogRatioScorer
from tests.models import tiny_llama
from tests.tokenizers import load_tokenizer, tokenizer_folder

PROMPT = [{'role': 'user', 'content': 'What is radium?'}]
RESPONSES = ('Radium glows.', 'It is a metal that was found in 1898, and naïve to touch.')


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An oracle and its reference."""
    folder, tokenizer = tmp_path_factory.mktemp('models'), tokenizer_folder('smollm2')
    return tiny_llama(folder / 'oracle', tokenizer), tiny_llama(
        folder / 'reference', tokenizer, initializer_range=0.1, max_position_embeddings=512
    )


def logps_alone(folder: Path, ids: list[int]) -> torch.Tensor:
    """(length - 1,), of each token but the first."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logps = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    return logps.gather(1, torch.tensor(ids[1:]).unsqueeze(1)).squeeze(1)


def test_scores_are_differences_of_log_probabilities_whatever_the_padding(
    models: tuple[Path, Path],
) -> None:
    oracle, reference = models
    scorer = LogRatioScorer(str(oracle), str(reference))
    for response, tokens in zip(
        RESPONSES, scorer([(PROMPT, text) for text in RESPONSES]), strict=True
    ):
        rendering = render(load_tokenizer('smollm2'), PROMPT, response)
        expected = logps_alone(oracle, rendering.ids) - logps_alone(reference, rendering.ids)
        place = {start: index - 1 for index, (start, _) in enumerate(rendering.offsets)}
        texts = [response[token.start : token.end] for token in tokens]
        assert ''.join(texts).replace(' ', '') == response.replace(' ', '')
        for token in tokens:
            found = expected[place[token.start + rendering.shift]].item()
            assert token.score == pytest.approx(found, rel=1e-4, abs=1e-5)


def test_an_oracle_that_is_its_own_reference_scores_0(models: tuple[Path, Path]) -> None:
    (tokens,) = LogRatioScorer(str(models[0]), str(models[0]))([(PROMPT, RESPONSES[0])])
    assert {token.score for token in tokens} == {0.0}


def test_a_reference_with_another_tokenizer_is_refused(
    models: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tiny_llama(tmp_path / 'other', tokenizer_folder('mistral'))
    with pytest.raises(ValueError, match='have different tokenizers; the reference has to be'):
        LogRatioScorer(str(models[0]), str(other))


def test_a_model_that_is_not_there_is_named(models: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f'{tmp_path}/absent cannot be loaded'):
        LogRatioScorer(str(models[0]), str(tmp_path / 'absent'))


def test_a_response_longer_than_the_models_read_is_refused(models: tuple[Path, Path]) -> None:
    scorer = LogRatioScorer(str(models[1]), str(models[0]))
    with pytest.raises(MaskingError, match='tokens, but the oracle reads 512') as raised:
        scorer([(PROMPT, RESPONSES[0]), (PROMPT, RESPONSES[1] * 60)])
    assert raised.value.index == 1


@pytest.mark.parametrize(
    ('options', 'said'),
    [({'dtype': 'float3'}, 'dtype: '), ({'device': 'gpu'}, 'device: '), ({'dtype': 'nn'}, 'dtype')],
)
def test_a_dtype_or_device_that_is_none_is_said(
    models: tuple[Path, Path], options: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        LogRatioScorer(str(models[0]), str(models[1]), **options)
