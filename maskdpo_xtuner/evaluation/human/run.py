"""Judging responses that people have labelled, and comparing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from maskdpo_xtuner.annotators.settings import AnnotatorChoice, AnnotatorSettings
from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.completions import Accounting
from maskdpo_xtuner.evaluation.human.forms import HumanResponse, Reader
from maskdpo_xtuner.evaluation.human.matching import LEAST_OVERLAP, match
from maskdpo_xtuner.evaluation.human.scores import Report, human_agreement
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import judges_of
from maskdpo_xtuner.jsonl import read_records, write_lines
from maskdpo_xtuner.pipeline.run import annotate_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import open_part
from maskdpo_xtuner.records import AnnotatedResponse, Question, Response
from maskdpo_xtuner.registry import HUMAN_LABELS
from maskdpo_xtuner.settings import Settings
from maskdpo_xtuner.splitters import find_splitter


@dataclass(frozen=True)
class HumanLabels:
    """What was read of a source of human labels; ``left_out`` belong to no sentence."""

    responses: list[HumanResponse]
    left_out: Counter[str]


def read_human_labels(
    source: Path, form: str, splitter: str = 'english_chinese', language: str | None = None
) -> HumanLabels:
    """Read a source of human labels.

    Args:
        source: file or folder.
        form: name of a reader in `maskdpo_xtuner.registry.HUMAN_LABELS`.
        splitter: for forms that label sentences without saying where they stand.
        language: of the questions to take; None for all.

    Raises:
        ValueError: for what cannot be read, naming file and line, and when nothing is left.
    """
    reader: Reader = HUMAN_LABELS.get(form)
    left_out: Counter[str] = Counter()
    found = list(reader(source, find_splitter(splitter), left_out))
    chosen = [each for each in found if language in (None, each.question.language)]
    if not chosen:
        spoken = sorted({each.question.language for each in found})
        raise ValueError(
            f'{source}: no labelled response is left; languages: {", ".join(spoken) or "none"}; '
            f'left out: {dict(left_out)}'
        )
    return HumanLabels(chosen, left_out)


def compare_files(
    labels: HumanLabels,
    annotated: Mapping[str, Path],
    least_overlap: float = LEAST_OVERLAP,
    bootstrap: Bootstrap | None = None,
) -> Report:
    """Compare the responses that judges have annotated with the human labels of the same ones.

    Args:
        labels: the human ones.
        annotated: name of a judge -> its file of annotated responses.
        least_overlap: see `maskdpo_xtuner.evaluation.human.matching`.
        bootstrap: of the intervals.

    Raises:
        ValueError: for a file that cannot be read, and a judge without any sentence to compare.
    """
    found = []
    for name, path in annotated.items():
        responses = list(read_records(path, AnnotatedResponse))
        judged = {(response.question_id, response.text): response for response in responses}
        matched = match(labels.responses, judged, least_overlap)
        by = responses[0].annotator
        found.append(human_agreement(name, by, matched, bootstrap or Bootstrap()))
    return Report(left_out=dict(labels.left_out), judges=tuple(found))


def judge_responses(
    settings: Settings, labels: HumanLabels, types: Sequence[str] = (), *, quiet: bool = False
) -> tuple[dict[str, Path], int]:
    """Let judges annotate the labelled responses, in ``<work_dir>/human``.

    What was asked before is remembered there, so a run that was interrupted goes on.

    Args:
        settings: whose judges are asked.
        labels: human labels, which the judges do not see.
        types: registered annotators in place of those of the settings.
        quiet: no progress bars.

    Returns:
        Name of a judge -> its file, and the number of requests without an answer.

    Raises:
        ValueError: for a question in a language that a judge does not speak.
    """
    folder = settings.work_dir / 'human'
    questions = _questions_of(labels.responses)
    built = {
        name: choice.build_for(questions.values()) for name, choice in _judges(settings, types)
    }
    failed = 0
    with open_part(settings, folder) as store:
        count = write_lines(folder / 'responses.jsonl', map(_unlabelled, labels.responses))
        paths = {name: folder / f'annotated-{name}.jsonl' for name in built}
        for name in list(built):
            summary = Summary(questions=len(questions), samples=0)
            summary.requests = Accounting(expected=count, stored=count)
            with atomic_writer(folder / 'failures.jsonl'):
                pass
            judge, file = built.pop(name), paths[name].name
            annotate_stage(folder, store, judge, questions, summary, quiet=quiet, name=file)
            failed += summary.turns.failed + summary.turns.refused
    return paths, failed


def _judges(settings: Settings, types: Sequence[str]) -> Iterable[tuple[str, AnnotatorSettings]]:
    if not types:
        return [(judge.name, asked.annotator) for judge, asked in judges_of(settings).items()]
    return [(kind, _judge_of_type(kind)) for kind in types]


def _judge_of_type(kind: str) -> AnnotatorSettings:
    adapter: TypeAdapter[AnnotatorSettings] = TypeAdapter(AnnotatorChoice)
    try:
        return adapter.validate_python({'type': kind})
    except ValidationError as error:
        keys = ', '.join('.'.join(map(str, detail['loc'])) or kind for detail in error.errors())
        raise ValueError(
            f'--judge {kind}: it needs more settings ({keys}); write it in a config, as '
            f'annotator = dict(type={kind!r}, ...)'
        ) from error


def _questions_of(responses: Sequence[HumanResponse]) -> dict[str, Question]:
    questions: dict[str, Question] = {}
    for question, _ in responses:
        if questions.setdefault(question.question_id, question) != question:
            raise ValueError(
                f'two different questions have the id {question.question_id}; give each its own'
            )
    return questions


def _unlabelled(response: HumanResponse) -> str:
    fields = response.labelled.model_dump(include=set(Response.model_fields))
    return Response.model_validate(fields).model_dump_json()
