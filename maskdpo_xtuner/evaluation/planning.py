"""What an evaluation is about to do: its sets, the engine of every training, its judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.engines.settings import EngineSettings
from maskdpo_xtuner.evaluation.judges import Judge, judges_of
from maskdpo_xtuner.evaluation_settings import (
    EvaluationSettings,
    JudgeSettings,
    ModelSource,
    SetSettings,
    check_name,
)
from maskdpo_xtuner.pipeline.shards import Shard, refuse_shared
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import SamplingSettings, Settings

Models = Mapping[str, ModelSource | Sequence[ModelSource] | None]
"""Name -> where the model is, several of its trainings, or None for what the config says."""


@dataclass(frozen=True)
class AskedSet:
    """A set of questions, and how it is asked; the only one of a config may have the name ''."""

    name: str
    questions: dict[str, Question]
    sampling: SamplingSettings
    k: int

    @property
    def title(self) -> str:
        """How the set is called in messages."""
        return f'the set {self.name}' if self.name else 'the set'


@dataclass(frozen=True)
class Plan:
    """Everything that is asked.

    Attributes:
        settings: of the config.
        asked: the part of them that is about evaluation.
        root: the folder of the evaluation.
        sets: in their order.
        models: name -> key of each training -> its engine. The key names its folder, too.
        judges: in their order, the first leads.
    """

    settings: Settings
    asked: EvaluationSettings
    root: Path
    sets: tuple[AskedSet, ...]
    models: dict[str, dict[str, EngineSettings]]
    judges: dict[Judge, JudgeSettings]

    @property
    def engines(self) -> dict[str, EngineSettings]:
        """Key of a training -> its engine."""
        return {key: engine for each in self.models.values() for key, engine in each.items()}

    def folder(self, asked: AskedSet, key: str) -> Path:
        """Tell where what a training answered on a set is kept."""
        return self.root / asked.name / key

    def parts_of(self, folder: Path) -> list[Path]:
        """Give the folders that shards of this evaluation have made for one of its folders."""
        shards = sorted((self.root / 'shards').glob('*-of-*'))
        return [shard / folder.relative_to(self.root) for shard in shards]

    def judges_of(self, asked: AskedSet) -> dict[Judge, JudgeSettings]:
        """Give the judges of a set."""
        return {
            judge: source
            for judge, source in self.judges.items()
            if source.sets is None or asked.name in source.sets
        }


def plan(settings: Settings, models: Models | None = None, shard: Shard | None = None) -> Plan:
    """See what is asked; questions are read, and nothing is built.

    Args:
        settings: with an evaluation.
        models: which, the first being what the others are compared with; None for those of
            ``evaluation.models``, or the config's policy as ``base`` where there are none.
        shard: the part of the questions of every set that is asked.

    Raises:
        ValueError: for settings without evaluation, a set without questions, several greedy runs,
            names that cannot be folders, two models that would be the same, and a shard with a
            store that others use.
    """
    asked = settings.evaluation
    if asked is None:
        raise ValueError(
            'the config does not say what to evaluate on; add '
            'evaluation = dict(questions=dict(type="jsonl", path=...))'
        )
    if asked.pairs and not asked.pairs.is_file():
        raise ValueError(f'evaluation.pairs: {asked.pairs}: there is no such file')
    if shard:
        refuse_shared(settings.store)
    root = settings.work_dir / 'evaluation'
    return Plan(
        settings=settings,
        asked=asked,
        root=shard.folder(root) if shard else root,
        sets=tuple(_ask(settings, asked, each, shard) for each in asked.all_sets()),
        models=_resolve(settings, asked, models or dict.fromkeys(asked.models) or {'base': None}),
        judges=judges_of(settings),
    )


def _ask(
    settings: Settings, asked: EvaluationSettings, source: SetSettings, shard: Shard | None
) -> AskedSet:
    questions = source.questions.load()
    if not questions:
        raise ValueError(f'the set {source.name or "of evaluation.questions"} has no questions')
    if shard:
        questions = shard.take(questions)
    by_id = {question.question_id: question for question in questions}
    return AskedSet(source.name, by_id, _sampling(settings, asked, source), asked.k_of(source))


def _sampling(
    settings: Settings, asked: EvaluationSettings, source: SetSettings
) -> SamplingSettings:
    """Say how a set is sampled: as it says, else as the evaluation says, else as pairs are made."""
    changes = {'num_samples': asked.num_runs, 'document_for_chosen': False}
    for key in ('max_new_tokens', 'temperature', 'top_k', 'top_p', 'seed'):
        for part in (asked, source):
            if getattr(part, key) is not None:
                changes[key] = getattr(part, key)
    if source.num_runs is not None:
        changes['num_samples'] = source.num_runs
    sampling = settings.sampling.model_copy(update=changes)
    if sampling.num_samples > 1 and (sampling.temperature == 0 or sampling.top_k == 1):
        raise ValueError(
            f'greedy decoding gives {sampling.num_samples} equal runs; set evaluation.num_runs=1, '
            'or a temperature above 0 and another top_k than 1. Runs of the paper that differ '
            'though they are greedy are trainings: --models NAME=PATH,PATH,...'
        )
    return sampling


def _resolve(
    settings: Settings, asked: EvaluationSettings, models: Models
) -> dict[str, dict[str, EngineSettings]]:
    """Give name -> key of a training -> engine; the first training has the folder of the model."""
    found: dict[str, dict[str, EngineSettings]] = {}
    of_config: list[str] = []
    for name, given in models.items():
        check_name(name)
        sources: ModelSource | Sequence[ModelSource] | None = given or asked.models.get(name)
        if sources is None:
            of_config.append(name)
            sources = (settings.policy,)
        each = (sources,) if isinstance(sources, str | EngineSettings) else tuple(sources)
        _refuse_equal(name, each)
        keys = [name, *(f'{name}/training-{n}' for n in range(2, len(each) + 1))]
        engines = [_engine(settings.policy, source) for source in each]
        found[name] = dict(zip(keys, engines, strict=True))
    if len(of_config) > 1:
        first, second = of_config[:2]
        raise ValueError(
            f'{first} and {second} are both without a path and would both be the policy of the '
            f'config; write {second}=PATH, or name it in evaluation.models'
        )
    return found


def _engine(policy: EngineSettings, source: ModelSource) -> EngineSettings:
    """Give the policy's engine with another model, whose revision is not that of the policy's."""
    if isinstance(source, EngineSettings):
        return source
    others = {'revision': None} if 'revision' in type(policy).model_fields else {}
    return policy.model_copy(update={'model': source, **others})


def _refuse_equal(name: str, sources: Sequence[ModelSource]) -> None:
    for index, source in enumerate(sources):
        if source in sources[:index]:
            shown = source if isinstance(source, str) else source.model
            raise ValueError(f'{name}: the training {shown} stands twice; it would count twice')
