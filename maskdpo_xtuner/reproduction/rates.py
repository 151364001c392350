"""From what hours are estimated: measured on two CPU cores, assumed where no GPU was at hand."""

from __future__ import annotations

from maskdpo_xtuner.reproduction.plan import Cost

QUESTIONS, TEST_QUESTIONS = 8046, 177
PAIR_TOKENS = 800  # of both responses with their prompts
TURNS_OF_A_SAMPLE = 25.0  # of ANAH-v2: 6,424,997 of 257,472 answers, see README, "The data engine"

RATES = {
    'sample': 'sampling: 5,000 tokens/s a GPU of 80 GB, answers of 300 tokens (assumed)',
    'judge': 'sampling as above, and ANAH-v2: 40 turns/s a GPU, half of the sentences needed '
    '(assumed; turns an answer measured on the data engine)',
    'facts': 'FActScore: 20 facts/s of a served 32B model on 4 GPUs, 27 facts an answer (assumed)',
    'train': '27 % of the peak (measured on an H100 at 1 B parameters, benchmarks/README.md) of '
    'A100s at 312 TFLOP/s, 800 tokens a pair, 3 epochs, 0.1 h to load and compare',
    'convert': '0.1 h to load and write 16 GB (assumed)',
    'evaluate': '0.1 h a model: loading twice, 177 answers, their sentences (assumed)',
    'harness': 'OpenCompass on five benchmarks: 2 h a model on one GPU (assumed)',
    'cpu': 'two cores: 5.5 minutes for 33 steps of four pairs, 0.5 to convert, 1.75 for 80 '
    'answers by both judges, 7 to sample and judge 112 questions x 8 (measured)',
}


def sampling(questions: int, answers: int, gpus: int, needed: float = 0.5) -> Cost:
    """Estimate sampling and judging by ANAH-v2, ``needed`` of the sentences."""
    total = questions * answers
    seconds = total * 300 / 5000 + total * TURNS_OF_A_SAMPLE * needed / 40
    return Cost(round(seconds / gpus / 3600, 2), gpus, 'judge')


def facts(answers: int) -> Cost:
    """Estimate judging by FActScore, on one GPU beside the server."""
    return Cost(round(answers * 27 / 20 / 3600, 2), 1, 'facts')


def training(pairs: float, gpus: int) -> Cost:
    """Estimate a training of an 8 B model."""
    flops = pairs * PAIR_TOKENS * 3 * 8 * 8e9
    return Cost(round(flops / (0.27 * 312e12 * gpus) / 3600 + 0.1, 2), gpus, 'train')


def minutes(number: float) -> Cost:
    """Give minutes on two cores."""
    return Cost(round(number / 60, 3), 0, 'cpu')
