"""A small experiment without a model: questions, what the policy says, its settings."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from maskdpo_xtuner.engines.base import Request
from maskdpo_xtuner.settings import Settings

DOCUMENT = 'Tin is a metal with the symbol Sn. Tin was known in antiquity.'
TRUE = 'Tin is a metal with the symbol Sn.'
FALSE = 'Purple elephants invented it on Jupiter.'
FILES = (
    *('settings.json', 'asked.jsonl', 'responses.jsonl', 'failures.jsonl', 'annotated.jsonl'),
    *('pairs.jsonl', 'dropped.jsonl', 'summary.json'),
)


def write_questions(path: Path, count: int) -> Path:
    """Write so many questions, ``q0`` to the last, on one document."""
    lines = [
        {
            'question_id': f'q{n}',
            'question': f'What is tin, {n}?',
            'document': DOCUMENT,
            'language': 'en',
            'topic': 'tin',
        }
        for n in range(count)
    ]
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def settings_of(folder: Path, questions: int = 3, **parts: Any) -> Settings:
    """Settings of the work dir ``folder/work`` with two answers to each question."""
    return Settings.model_validate(
        {
            'work_dir': folder / 'work',
            'questions': {'path': write_questions(folder / 'questions.jsonl', questions)}
            | {'type': 'jsonl'},
            'sampling': {'num_samples': 2, 'max_new_tokens': 50},
            **parts,
        }
    )


def mixed_response(request: Request) -> str:
    """Say a true and one to three false sentences, in an order that the seed decides."""
    digest = hashlib.sha256(str(request.seed).encode()).digest()
    sentences = [TRUE, *[FALSE] * (digest[0] % 3 + 1)]
    turn = digest[1] % len(sentences)
    return ' '.join(sentences[turn:] + sentences[:turn])


def many_claims(request: Request) -> str:
    """Say two to eight sentences that no other response has."""
    digest = hashlib.sha256(str(request.seed).encode()).digest()
    return ' '.join(f'Claim {n} of {digest[:4].hex()} is so.' for n in range(2 + digest[1] % 7))


def contents(work_dir: Path) -> dict[str, bytes]:
    """The files that a run must end in, without the store; temporary files would show up."""
    return {
        path.name: path.read_bytes()
        for path in work_dir.iterdir()
        if not path.name.startswith('completions.sqlite')
    }


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file, which may be empty."""
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]
