"""What servers mean by a status other than 200, by words that real ones use."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.engines.statuses import Verdict, judge_status


@pytest.mark.parametrize(
    ('status', 'said'),
    [
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000"),
        (400, 'context_length_exceeded'),
        (400, 'the request exceeds the available context size, try increasing it'),
        (400, "The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
        (400, 'Input length (9000 tokens) exceeds the maximum allowed length (8186 tokens)'),
        (400, 'prompt is too long: 210000 tokens > 200000 maximum'),
        (400, 'Range of input length should be [1, 6000]'),
        (422, 'Input validation error: `inputs` must have less than 1024 tokens. Given: 1500'),
        (500, 'The prompt (total length 9000) is too long to fit into the model'),
        (413, 'Request Entity Too Large'),
        (400, "The response was filtered due to the prompt triggering Azure's content management"),
        (400, 'Output data may contain inappropriate content. (data_inspection_failed)'),
        (403, 'Your chosen model requires moderation and your input was flagged'),
    ],
)
def test_words_about_one_request_make_its_failure_final(status: int, said: str) -> None:
    assert judge_status(status, said) == (False, Verdict.DECLINED)


@pytest.mark.parametrize(
    ('status', 'said'),
    [
        (400, 'The model `large` does not exist'),
        (400, 'model "large" not found, try pulling it first'),
        (400, 'Unknown model: large'),
        (429, 'You exceeded your current quota (insufficient_quota)'),
        (400, 'Insufficient Balance'),
        (401, 'Incorrect API key provided'),
    ],
)
def test_words_about_all_requests_end_the_stage(status: int, said: str) -> None:
    assert judge_status(status, said)[1] is Verdict.REFUSING


def test_a_limit_of_tokens_a_minute_is_no_context_length() -> None:
    said = 'Rate limit reached: tokens per min (TPM): Limit 10000. Request too large'
    assert judge_status(429, said) == (True, Verdict.LIMITED)


def test_a_busy_server_that_says_when_to_come_again_lost_nothing() -> None:
    assert judge_status(503, 'loading', come_again=True) == (True, Verdict.LIMITED)
    assert judge_status(503, 'loading') == (True, Verdict.LOST)
