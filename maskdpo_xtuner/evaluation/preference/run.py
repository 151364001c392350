"""Comparing two models' responses by a judge, in both orders, through the store."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.completions import Accounting, Scheduler
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.evaluation.preference.outcomes import Preference, outcome_of
from maskdpo_xtuner.evaluation.preference.summary import (
    CriterionResult,
    PreferenceResult,
    summarize,
)
from maskdpo_xtuner.evaluation.shortfalls import TOO_FEW
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.files import write_line
from maskdpo_xtuner.pipeline.work_dir import open_part
from maskdpo_xtuner.preference import Judge
from maskdpo_xtuner.preference.settings import PreferenceSettings
from maskdpo_xtuner.progress import engine_bar
from maskdpo_xtuner.records import Question, Response
from maskdpo_xtuner.settings import Settings

Pair = tuple[Response, Response]
"""The baseline's response to a question, and the other model's."""
Comparison = Generator[Request, Completion | Failure, Preference]
"""The dialogue about a pair by one criterion."""
Named = tuple[str | None, Path]
"""A name and a file, or a name alone as a path."""


@dataclass(frozen=True)
class PreferenceRun:
    """What a comparison found, and what became of its requests.

    Attributes:
        result: what was found.
        requests: to the judge.
        most_without_verdict: `evaluation.most_without_verdict`, here of the pairs.
    """

    result: PreferenceResult
    requests: Accounting
    most_without_verdict: float

    @property
    def shortfalls(self) -> list[str]:
        """What is missing from the numbers, a line each."""
        lost = self.requests.failed + self.requests.refused
        said = [f'{lost} requests have no answer; run again for those that failed'] if lost else []
        if self.result.left_out:
            said.append(
                f'{self.result.left_out} responses are left out: the other model has none to the '
                'same question and of the same number'
            )
        return said + [
            f'{each.criterion}: {each.without_verdict:.0%} of the pairs {TOO_FEW}'
            for each in self.result.criteria
            if each.without_verdict >= self.most_without_verdict
        ]

    @property
    def exit_status(self) -> int:
        """0 when nothing is missing."""
        return int(bool(self.shortfalls))


def compare_models(
    settings: Settings, baseline: Named, model: Named, set_name: str = '', *, quiet: bool = False
) -> PreferenceRun:
    """Compare two models' responses to the questions of a set of ``settings.evaluation``.

    In ``<work_dir>/preference``, or the folder of the set in it, are the store, the verdicts as
    ``<model>-<baseline>.jsonl``, and the result as ``<model>-<baseline>.json``. What was asked
    before is not asked again.

    Args:
        settings: with ``preference`` and ``evaluation``.
        baseline: name and file of responses; a name alone stands for those of
            ``<work_dir>/evaluation``, in the folder of the set.
        model: what is held against it, likewise.
        set_name: which set; '' for the only one of a config that names none.
        quiet: no progress bar.

    Raises:
        ValueError: for settings without a judge, and for responses that are not there, are not to
            these questions, or do not stand beside another.
    """
    asked = _asked(settings)
    names = [_name(named) for named in (baseline, model)]
    if names[0] == names[1]:
        raise ValueError(f'both models are named {names[0]}; write NAME=FILE')
    questions = _questions(settings, set_name)
    answered = settings.work_dir / 'evaluation' / set_name
    responses = [_responses(answered, named) for named in (baseline, model)]
    pairs, left_out = _side_by_side(names, responses, questions)
    judge, engine = asked.build()
    folder = settings.work_dir / 'preference' / set_name
    path = folder / f'{names[1]}-{names[0]}.jsonl'
    with open_part(settings, folder) as store:
        scheduler: Scheduler[Preference] = Scheduler(engine, store)
        groups = (_dialogues(judge, questions, pair) for pair in pairs)
        _write(path, scheduler, groups, len(pairs), quiet=quiet)
    result = PreferenceResult(
        baseline=names[0],
        model=names[1],
        judge=dict(judge.identity),
        left_out=left_out,
        criteria=_criteria(judge, list(read_records(path, Preference)), questions),
    )
    with atomic_writer(path.with_suffix('.json')) as file:
        file.write(result.model_dump_json(indent=2))
    assert settings.evaluation is not None, 'there were questions'
    most = settings.evaluation.most_without_verdict
    return PreferenceRun(result, scheduler.accounting, most)


def _write(
    path: Path,
    scheduler: Scheduler[Preference],
    groups: Iterable[list[Comparison]],
    total: int,
    *,
    quiet: bool,
) -> None:
    postfix, in_call = scheduler.accounting.postfix, scheduler.in_call
    with (
        atomic_writer(path) as file,
        engine_bar(total, 'comparing', 'pairs', postfix, in_call=in_call, quiet=quiet) as advance,
    ):
        for group in scheduler.run(groups):
            for preference in group:
                write_line(file, preference)
            advance()


def _criteria(
    judge: Judge, found: Sequence[Preference], questions: Mapping[str, Question]
) -> tuple[CriterionResult, ...]:
    topics = {name: question.topic for name, question in questions.items()}
    return tuple(
        summarize(name, [each for each in found if each.criterion == name], topics)
        for name in judge.criteria
    )


def _asked(settings: Settings) -> PreferenceSettings:
    if settings.preference is None:
        raise ValueError(
            'the config does not say who compares; add preference = dict(engine=dict(type=...))'
        )
    return settings.preference


def _questions(settings: Settings, set_name: str) -> dict[str, Question]:
    """Give the questions of a set by their ids; '' is the only one of a config that names none."""
    if settings.evaluation is None:
        raise ValueError(
            'the config does not say what was asked; add '
            'evaluation = dict(questions=dict(type="jsonl", path=...))'
        )
    sets = {each.name: each.questions for each in settings.evaluation.all_sets()}
    if set_name not in sets:
        known = ', '.join(filter(None, sets)) or 'it has a single one, without a name'
        raise ValueError(f'the config has no set {set_name!r}; name one by --set: {known}')
    return {question.question_id: question for question in sets[set_name].load()}


def _name(named: Named) -> str:
    name, path = named
    return name or str(path)


def _responses(folder: Path, named: Named) -> list[Response]:
    name, path = named
    if name is None:
        path = folder / path / 'responses.jsonl'
        if not path.is_file():
            raise ValueError(
                f'there are no responses of {named[1]} in {path}; run `maskdpo evaluate` with it, '
                'or write NAME=FILE'
            )
    return list(read_records(path, Response))


def _side_by_side(
    names: Sequence[str],
    responses: Sequence[Sequence[Response]],
    questions: Mapping[str, Question],
) -> tuple[list[Pair], int]:
    """Give the two models' responses with the same question and number, in the order of the first.

    Returns:
        The pairs, and how many responses stand alone: an engine refused a question, say.

    Raises:
        ValueError: naming a response that stands twice, or answers no question, and when all of
            them stand alone.
    """
    by_place: list[dict[tuple[str, int], Response]] = []
    for name, own in zip(names, responses, strict=True):
        places = {(response.question_id, response.sample_index): response for response in own}
        if len(places) < len(own):
            raise ValueError(f'{name} has two responses of the same question and number')
        by_place.append(places)
    pairs = [(one, by_place[1][at]) for at, one in by_place[0].items() if at in by_place[1]]
    if not pairs:
        raise ValueError(f'{" and ".join(names)} have answered no question both')
    unknown = sorted({question_id for question_id, _ in by_place[0]} - questions.keys())
    if unknown:
        raise ValueError(f'the question {unknown[0]} is not among those of the config')
    return pairs, len(by_place[0].keys() ^ by_place[1].keys())


def _dialogues(judge: Judge, questions: Mapping[str, Question], pair: Pair) -> list[Comparison]:
    question = questions[pair[0].question_id]
    return [_compare(judge, question, pair, criterion) for criterion in judge.criteria]


def _compare(judge: Judge, question: Question, pair: Pair, criterion: str) -> Comparison:
    """Ask in both orders; nothing about texts that are the same."""
    baseline, other = (response.text for response in pair)
    about = Preference(
        question_id=question.question_id,
        sample_index=pair[0].sample_index,
        criterion=criterion,
        outcome='equal texts',
        baseline_length=len(baseline),
        length=len(other),
    )
    if baseline == other:
        return about
    first = yield from judge.compare(question, baseline, other, criterion)
    second = yield from judge.compare(question, other, baseline, criterion)
    said = {
        'outcome': outcome_of(first, second),
        'baseline_first': first.choice,
        'baseline_second': second.choice,
        'failures': tuple(ballot.failure for ballot in (first, second) if ballot.failure),
    }
    return about.model_copy(update=said)
