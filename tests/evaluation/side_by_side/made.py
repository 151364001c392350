"""Evaluations made by hand, as `evaluate` leaves them on a disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.answering import annotated_file
from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.results import FILE, QUESTIONS_FILE, Training
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.records import AnnotatedResponse, Question
from tests.evaluation.answers import answer

JUDGE = Judge(name='truth', made_pairs=False)
SAMPLING = {'temperature': 0.8, 'top_k': 40.0, 'top_p': 1.0, 'max_new_tokens': 50.0}
Marks = Mapping[str, Sequence[str]]
"""Question id -> the marks of its response in every run (`tests.evaluation.answers`)."""


def questions(count: int = 6, document: str = 'd') -> list[Question]:
    """Questions ``q0``, ``q1``, ..., each on a topic of its own."""
    return [
        Question(question_id=f'q{n}', question='?', document=document, language='en', topic=f't{n}')
        for n in range(count)
    ]


def alike(*marks: str, count: int = 6) -> dict[str, list[str]]:
    """The same marks to every question, one a run."""
    return {f'q{n}': list(marks) for n in range(count)}


def make_run(
    work_dir: Path,
    models: Mapping[str, Marks | Sequence[Marks]],
    *,
    name: str = '',
    document: str = 'd',
    judge: Judge = JUDGE,
    annotator: Mapping[str, str] | None = None,
    k: int = 32,
    sampling: Mapping[str, float] = SAMPLING,
) -> Path:
    """Write the evaluation of a work dir.

    Args:
        work_dir: gets a folder ``evaluation``.
        models: name -> its marks, or those of several trainings.
        name: of the set, below which its files then lie.
        document: of all questions.
        judge: who labelled.
        annotator: its identity.
        k: of F1@K.
        sampling: how it was decoded.
    """
    trainings = {
        model: [marks] if isinstance(marks, Mapping) else list(marks)
        for model, marks in models.items()
    }
    by_key = {
        key: _responses(marks, dict(annotator or {'name': 'by hand'}))
        for model, several in trainings.items()
        for key, marks in _keyed(model, several)
    }
    asked = questions(document=document)
    found = compare(
        {judge: by_key},
        asked,
        nlls={},
        settings={},
        bounds=Bounds(),
        bootstrap=Bootstrap(resamples=200),
        k=k,
        models={
            model: [Training(key=key, model='test') for key, _ in _keyed(model, several)]
            for model, several in trainings.items()
        },
        missing={key: _missing(responses, asked) for key, responses in by_key.items()},
    )
    folder = work_dir / 'evaluation' / name
    folder.mkdir(parents=True)
    evaluation = found.model_copy(update={'name': name, 'sampling': dict(sampling)})
    (folder / FILE).write_text(evaluation.model_dump_json())
    write_records(folder / QUESTIONS_FILE, asked)
    for key, responses in by_key.items():
        (folder / key).mkdir()
        write_records(folder / key / annotated_file(judge), responses)
    return work_dir


def _keyed(model: str, several: Sequence[Marks]) -> list[tuple[str, Marks]]:
    return [(f'{model}-{n}' if n else model, marks) for n, marks in enumerate(several)]


def _responses(marks: Marks, annotator: dict[str, str]) -> list[AnnotatedResponse]:
    return [
        answer(question_id, run, of_run, annotator=annotator)
        for question_id, runs in marks.items()
        for run, of_run in enumerate(runs)
    ]


def _missing(
    responses: Sequence[AnnotatedResponse], asked: Sequence[Question]
) -> set[tuple[str, int]]:
    there = {(response.question_id, response.sample_index) for response in responses}
    runs = {run for _, run in there}
    return {(q.question_id, run) for q in asked for run in runs} - there
