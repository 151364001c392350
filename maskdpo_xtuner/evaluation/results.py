"""What an evaluation found, as ``evaluation.json`` keeps it.

``judges[i].models[j]`` holds one model's metrics by one judge, each with its interval and its
difference to the first model, and the verdict; ``verdicts`` what is said of each model in the end.
"""

from __future__ import annotations

from typing import Literal

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.agreement import Agreement
from maskdpo_xtuner.evaluation.best_of import BestOf
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.metrics import Counts
from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.verdict import Verdict
from maskdpo_xtuner.records import Record

Cluster = Literal['topic', 'question']


class ModelResult(Record):
    """One model's counts, metrics and verdict by one judge.

    Attributes:
        name: of the model in this evaluation.
        model: where the weights came from.
        runs: sentence counts over the set, one entry a run.
        means: the same, averaged over the runs: the columns of the paper's tables.
        measures: every metric by name with its interval and its difference to the first model:
            those of `maskdpo_xtuner.evaluation.metrics.judged_tallies` and of
            `maskdpo_xtuner.evaluation.text_metrics.text_tallies`.
        best_of: the best of 1, 2, 4, ... runs.
        verdict: against the first model; None for the first itself.
    """

    name: str
    model: str
    runs: tuple[Counts, ...]
    means: dict[str, float]
    measures: dict[str, Measure]
    best_of: tuple[BestOf, ...]
    verdict: Verdict | None


class JudgeResult(Record):
    """What one judge found: the models in their order, the first being the baseline.

    ``annotator`` says what determined its labels (name, version, settings).
    """

    judge: Judge
    annotator: dict[str, str]
    models: tuple[ModelResult, ...]


class Evaluation(Record):
    """All that one evaluation found.

    Attributes:
        questions: how many were asked.
        topics: how many topics they are on.
        cluster: what the bootstrap resampled.
        bootstrap: how.
        bounds: of the verdicts.
        settings: what else determined the answers, for the reader.
        judges: one result a judge, in their order; the first leads.
        agreement: of every two judges on the same sentences.
        verdicts: name of the model -> its verdict by all judges together; not for the first model.
        metrics: which of the measures were asked for beside those of the package.
    """

    questions: int
    topics: int
    cluster: Cluster
    bootstrap: Bootstrap
    bounds: Bounds
    settings: dict[str, str]
    judges: tuple[JudgeResult, ...]
    agreement: tuple[Agreement, ...]
    verdicts: dict[str, Verdict]
    metrics: tuple[str, ...] = ()
