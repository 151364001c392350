"""What an evaluation asks: sets of questions, judges and models, as a config names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    TypeAdapter,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from maskdpo_xtuner.annotators.settings import AnnotatorChoice
from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.engines.base import TEMPERATURE, TOP_K
from maskdpo_xtuner.engines.settings import EngineChoice, EngineSettings
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.questions import QuestionsChoice
from maskdpo_xtuner.registry import METRICS

K = 32
MOST_WITHOUT_VERDICT = 0.2
"""Of F1@K where a config names none: HalluLens' (arXiv 2504.17550); SAFE takes 64 and 178."""
_RESERVED = 'shards'


class SetSettings(Part):
    """A set of questions, asked in a way of its own; what is None is as for the other sets.

    Attributes:
        name: of the set and of its folder.
        k: of F1@K: how many supported units an answer should have. It is fixed before anything is
            measured and stands in the results; numbers of different K are not compared.
        num_runs: answers to each question.
        max_new_tokens: most tokens of an answer; `sampling.max_new_tokens` if None everywhere.
        temperature: of the decoding; 0 is greedy.
        top_k: most tokens to sample from; 1 is greedy, 0 is off.
        top_p: `sampling.top_p` if None everywhere.
        seed: of the samples.
    """

    name: str
    questions: QuestionsChoice
    k: int | None = Field(default=None, ge=1)
    num_runs: int | None = Field(default=None, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_k: int | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None

    @field_validator('name')
    @classmethod
    def _check_name(cls, name: str) -> str:
        return check_name(name)


class JudgeSettings(Part):
    """A judge: an annotator, and which sets it judges.

    In a config ``name`` and ``sets`` stand among the settings of the annotator.

    Attributes:
        annotator: what labels the answers.
        name: how it is called; None for its type.
        sets: names of the sets that it judges; None for all.
    """

    annotator: AnnotatorChoice
    name: str | None = None
    sets: tuple[str, ...] | None = None

    @field_validator('name')
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        return name and check_name(name)


_OWN = ('name', 'sets')


def _take_apart(values: Any) -> Any:
    """Part ``dict(type='lexical', sets=['anah'], ...)`` into what is the annotator's and ours."""
    if not isinstance(values, dict) or 'annotator' in values:
        return values
    own = {key: value for key, value in values.items() if key in _OWN}
    rest = {key: value for key, value in values.items() if key not in _OWN}
    return JudgeSettings(annotator=_ANNOTATOR.validate_python(rest), **own)


_ANNOTATOR: TypeAdapter[Any] = TypeAdapter(AnnotatorChoice)
_ENGINE: TypeAdapter[Any] = TypeAdapter(EngineChoice)
JudgeChoice = Annotated[JudgeSettings, BeforeValidator(_take_apart)]

ModelSource = str | SerializeAsAny[EngineSettings]
"""A folder or a hub name, run as the policy of the config is, or an engine of its own."""


def _each(values: Any) -> Any:
    """A tuple of sources, also of one that stands alone."""
    several = values if isinstance(values, list | tuple) else [values]
    return tuple(v if isinstance(v, str) else _ENGINE.validate_python(v) for v in several)


Trainings = Annotated[tuple[ModelSource, ...], BeforeValidator(_each), Field(min_length=1)]
"""The trainings of one model, which are one row of the tables; most models have one."""


def _by_last_part(values: Any) -> Any:
    """Name -> model of a list of models, or of one that stands alone."""
    if isinstance(values, dict):
        return values
    several = values if isinstance(values, list | tuple) else [values]
    named: dict[str, Any] = {}
    for model in several:
        short = Path(str(model)).name
        named[str(model) if short in named else short] = model
    return named


NamedModels = Annotated[dict[str, str], BeforeValidator(_by_last_part)]
"""Models by the names that the tables show."""


class EvaluationSettings(Part):
    """What `tools/evaluate.py` asks; five runs, as the paper has five replications (section 3.1).

    Attributes:
        questions: of the only set, which then needs no name.
        sets: several sets, in place of ``questions``.
        k: of F1@K, for sets without their own (`SetSettings`), as are the next six.
        num_runs: the paper's are trainings, for it decodes greedily (`docs/evaluation.md`).
        max_new_tokens: most tokens of an answer; None for `sampling.max_new_tokens`.
        temperature: of the decoding; the paper's evaluation is greedy, best of N is not.
        top_k: most tokens to sample from.
        top_p: None for `sampling.top_p`.
        seed: of the samples.
        judges: annotators that label the answers; none for the `annotator` alone, as in the paper.
            The first leads, so name one first that did not make the pairs.
        models: name -> folder, hub name, or engine of its own; a list of those for several
            trainings of one recipe. ``--models`` picks from them, and adds to them.
        pairs: what the models were trained on; questions and topics that are in it are said. None
            for ``pairs.jsonl`` of the work dir, if it is there.
        text_quality: whether the perplexity under the first model is measured, where the policy
            is one of transformers. False where no model can be loaded on this machine.
        perplexity: name -> folder or hub name of another causal model to measure the perplexity
            under, or a list of those, which are called by the last part of theirs; the paper takes
            GPT-2 (appendix C.2).
        bounds: what a model may lose and still be called better.
        most_without_verdict: share of units (sentences, or facts) without a verdict, or of
            sentences whose facts are not known, from which on the tool ends in an error, though it
            shows what there is.
        metrics: further metrics by their names in `maskdpo_xtuner.registry.METRICS`, shown in a
            table of their own; the verdict does not depend on them.
    """

    questions: QuestionsChoice | None = None
    sets: tuple[SetSettings, ...] = ()
    k: int = Field(default=K, ge=1)
    num_runs: int = Field(default=5, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=TEMPERATURE, ge=0)
    top_k: int = Field(default=TOP_K, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int = 0
    judges: tuple[JudgeChoice, ...] = ()
    models: dict[str, Trainings] = {}
    pairs: Path | None = None
    text_quality: bool = True
    perplexity: NamedModels = {}
    bounds: Bounds = Bounds()
    most_without_verdict: float = Field(default=MOST_WITHOUT_VERDICT, gt=0, le=1)
    metrics: tuple[str, ...] = ()

    @field_validator('metrics')
    @classmethod
    def _check_metrics(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for name in metrics:  # Now, and not when all answers are there.
            if not callable(METRICS.get(name)):
                raise ValueError(f'the metric {name!r} is not a function')
        return metrics

    @field_validator('models')
    @classmethod
    def _check_models(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name in models:
            check_name(name)
        return models

    @model_validator(mode='after')
    def _check_sets(self) -> Self:
        if (self.questions is None) == (not self.sets):
            raise ValueError(
                'name what to evaluate on: either questions = dict(type="jsonl", path=...) or '
                'sets = [dict(name=..., questions=...), ...]'
            )
        _refuse_twice('set', (each.name for each in self.sets))
        _refuse_twice('judge', (each.name for each in self.judges if each.name))
        known = {each.name for each in self.sets}
        for judge in self.judges:
            if unknown := set(judge.sets or ()) - known:
                raise ValueError(
                    f'judges: {judge.annotator.type} is to judge the set {min(unknown)!r}, which '
                    f'is not among sets ({", ".join(sorted(known)) or "there are none"})'
                )
        for name in known if self.judges else ():
            if not self.judges_of(name):
                raise ValueError(f'judges: none of them judges the set {name!r}')
        return self

    def judges_of(self, set_name: str) -> tuple[JudgeSettings, ...]:
        """The judges of a set, in their order."""
        return tuple(j for j in self.judges if j.sets is None or set_name in j.sets)

    def all_sets(self) -> tuple[SetSettings, ...]:
        """All sets; that of ``questions`` has the name ``''``."""
        if self.questions is None:
            return self.sets
        return (SetSettings.model_construct(name='', questions=self.questions),)

    def k_of(self, asked: SetSettings) -> int:
        """K of a set."""
        return self.k if asked.k is None else asked.k


def check_name(name: str) -> str:
    """Refuse a name that cannot be that of a folder.

    Raises:
        ValueError: saying what a name may have.
    """
    if not re.fullmatch(r'\w[\w.-]*', name):
        raise ValueError(f'the name {name!r} may have letters, digits, "_", "." and "-"')
    if name == _RESERVED:
        raise ValueError(f'the name {name!r} is that of a folder of ours; choose another')
    return name


def _refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f'the name {twice[0]!r} is given to more than one {what}')
