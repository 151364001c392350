"""What an evaluation found, as ``evaluation.json`` keeps it: one file a set of questions.

``judges[i].models[j]`` holds one model's metrics by one judge, each with its interval and its
difference to the first model, and the verdict; ``verdicts`` what is said of each model in the end.
What made the numbers stands beside them: `maskdpo_xtuner.evaluation.comparable` compares by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.agreement import Agreement
from maskdpo_xtuner.evaluation.best_of import BestOf
from maskdpo_xtuner.evaluation.counts import Counts, Unit
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.shortfalls import Shortfall
from maskdpo_xtuner.evaluation.verdict import Verdict
from maskdpo_xtuner.records import Record

FILE = 'evaluation.json'
QUESTIONS_FILE = 'questions.jsonl'
"""Beside it: the questions of the set."""
Cluster = Literal['topic', 'question']


class Training(Record):
    """One training of a model, or the model itself.

    ``key`` is its folder and what its answers are found by, ``model`` where the weights came from,
    ``identity`` what determined the answers (revision, dtype, chat template, ...).
    """

    key: str
    model: str
    identity: dict[str, str] = {}


class ModelResult(Record):
    """One model's counts, metrics and verdict by one judge.

    Attributes:
        name: of the model in this evaluation.
        model: where the weights came from; of several trainings, the first's.
        trainings: whose answers were counted; of several, every metric is the mean.
        runs: counts over the set, one entry a run, those of the first training first.
        means: the same, averaged over runs and trainings: the columns of the paper's tables.
        measures: every metric by name with its interval and its difference to the first model:
            those of `maskdpo_xtuner.evaluation.metrics.judged_tallies` and of
            `maskdpo_xtuner.evaluation.text_metrics.text_tallies`.
        best_of: the best of 1, 2, 4, ... runs.
        verdict: against the first model; None for the first itself.
    """

    name: str
    model: str
    trainings: tuple[Training, ...] = ()
    runs: tuple[Counts, ...]
    means: dict[str, float]
    measures: dict[str, Measure]
    best_of: tuple[BestOf, ...]
    verdict: Verdict | None


class JudgeResult(Record):
    """What one judge found: the models in their order, the first being the baseline.

    ``annotator`` says what determined its labels (name, version, prompts, model, ...), ``unit``
    what it counted: sentences, or the atomic facts in them.
    """

    judge: Judge
    annotator: dict[str, str]
    unit: Unit = 'sentences'
    models: tuple[ModelResult, ...]


class TrainedOn(Record):
    """What of the set was trained on, by the pairs in ``file``: how many questions and topics."""

    file: str
    questions: int
    topics: int


class Evaluation(Record):
    """All that one evaluation found on one set.

    Attributes:
        name: of the set; empty for the only one of a config that names none.
        questions: how many were asked.
        topics: how many topics they are on.
        questions_sha256: of all that the questions say.
        k: of F1@K.
        sampling: how answers were decoded: temperature, top_k, top_p, max_new_tokens.
        seed: of the samples.
        num_runs: answers to each question, by each training.
        cluster: what the bootstrap resampled.
        bootstrap: how.
        bounds: of the verdicts.
        settings: what is said of all this on the page, for the reader.
        judges: one result a judge, in their order; the first leads.
        agreement: of every two judges on the same sentences.
        verdicts: name of the model -> its verdict by all judges together; not for the first model.
        metrics: which of the measures were asked for beside those of the package.
        perplexity: name of a scorer -> its identity, and what it reads before an answer.
        trained_on: what of the set the models were trained on; None where no pairs are known.
        shortfalls: what is missing from the numbers; empty when nothing is.
    """

    name: str = ''
    questions: int
    topics: int
    questions_sha256: str = ''
    k: int
    sampling: dict[str, float] = {}
    seed: int = 0
    num_runs: int = 1
    cluster: Cluster
    bootstrap: Bootstrap
    bounds: Bounds
    settings: dict[str, str]
    judges: tuple[JudgeResult, ...]
    agreement: tuple[Agreement, ...]
    verdicts: dict[str, Verdict]
    metrics: tuple[str, ...] = ()
    perplexity: dict[str, dict[str, str]] = {}
    trained_on: TrainedOn | None = None
    shortfalls: tuple[Shortfall, ...] = ()


def read_evaluations(path: Path | str) -> list[Evaluation]:
    """Read what an evaluation found, a result for each of its sets.

    Args:
        path: an ``evaluation.json``, a folder with some below it, or a work dir with such a folder
            named ``evaluation``.

    Raises:
        ValueError: when there is none, or one was written by an earlier version.
    """
    return [read_evaluation(file) for file in evaluation_files(path)]


def evaluation_files(path: Path | str) -> list[Path]:
    """Give the files of all sets; arguments and errors as of `read_evaluations`."""
    path = Path(path)
    if path.is_file():
        return [path]
    folder = path / 'evaluation' if (path / 'evaluation').is_dir() else path
    files = sorted([*folder.glob(FILE), *folder.glob(f'*/{FILE}')])
    if not files:
        raise ValueError(f'{path}: there is no {FILE}; `maskdpo evaluate` writes it')
    return files


def read_evaluation(file: Path) -> Evaluation:
    """Read the result of one set; errors as of `read_evaluations`."""
    try:
        return Evaluation.model_validate_json(file.read_bytes())
    except ValidationError as error:
        place = '.'.join(map(str, error.errors()[0]['loc']))
        raise ValueError(
            f'{file}: {place}: {error.errors()[0]["msg"]}; evaluate again, which asks for nothing '
            'that is remembered'
        ) from error
