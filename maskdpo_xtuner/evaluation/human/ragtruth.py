"""RAGTruth as it is released (Niu et al. 2024, arXiv 2401.00396; MIT): two files of a folder.

``response.jsonl`` has the responses with their marked spans, ``source_info.jsonl`` what they were
written from. Questions are those of the QA part; of the other tasks the prompt is the question and
the source, where it is not a text its JSON, the document. Each source is a topic.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from maskdpo_xtuner.evaluation.human.forms import HumanResponse, labelled_response
from maskdpo_xtuner.evaluation.human.marks import MARKS, Mark, merged
from maskdpo_xtuner.jsonl import RecordError, parse_record, read_objects
from maskdpo_xtuner.records import Question, Record
from maskdpo_xtuner.splitters import Splitter

RESPONSES, SOURCES = 'response.jsonl', 'source_info.jsonl'


class _Source(Record):
    source_id: str
    task_type: str
    source_info: str | dict[str, Any]
    prompt: str = Field(min_length=1)

    def as_question(self) -> Question:
        info = self.source_info
        document = info if isinstance(info, str) else json.dumps(info, ensure_ascii=False)
        question = self.prompt
        if isinstance(info, dict) and {'question', 'passages'} <= info.keys():
            question, document = info['question'], info['passages']
        name = f'ragtruth-{self.source_id}'
        return Question(
            question_id=name, question=question, document=document, language='en', topic=name
        )


class _Label(Record):
    start: int
    end: int
    label_type: str


class _Response(Record):
    source_id: str
    model: str
    response: str
    labels: tuple[_Label, ...]


def read_ragtruth(
    source: Path, splitter: Splitter, left_out: Counter[str]
) -> Iterator[HumanResponse]:
    """Read the folder; both splits of the corpus, all tasks.

    Spans with ``implicit_true`` (true, but not in the source) count: judges see the source alone.

    Raises:
        RecordError: naming file, line and remedy, also for a response whose source is not there.
    """
    folder = Path(source)
    sources = (
        parse_record(_Source, row, folder / SOURCES, line)
        for line, row in read_objects(folder / SOURCES)
    )
    questions = {source.source_id: source.as_question() for source in sources}
    path, times = folder / RESPONSES, Counter[str]()
    for line, row in read_objects(path):
        found = parse_record(_Response, row, path, line)
        if found.source_id not in questions:
            raise RecordError(path, line, f'source {found.source_id} is not in {SOURCES}; add it')
        marks = tuple(Mark(start=x.start, end=x.end, type=x.label_type) for x in found.labels)
        yield labelled_response(
            questions[found.source_id],
            found.response,
            merged(found.response, marks, path, line),
            {'source': 'RAGTruth', **MARKS},
            sample_index=times[found.source_id],
            model=found.model,
        )
        times[found.source_id] += 1
