"""Questions with their documents, as a page is told where they are."""

from __future__ import annotations

from pathlib import Path

from maskdpo_xtuner.jsonl import read_questions
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import load_settings


def questions_of(source: Path | str) -> list[Question]:
    """Give the questions of a question file, or those that a data config names.

    Raises:
        ValueError: for what cannot be read, naming the file.
    """
    if '.jsonl' in Path(source).suffixes:
        return read_questions(source)
    return load_settings(source).questions.load()
