"""The settings of the tools: an mmengine Python config, read into types.

One config describes an experiment: questions, policy, sampling, annotator, pairs, evaluation. A
key that does not exist, or a value of the wrong type, is refused with the key's name.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from maskdpo_xtuner.annotators.sources import AnnotatorSource, LexicalSettings
from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.builtin.named import find_table
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.deferred import deferred
from maskdpo_xtuner.engines.base import Sampling
from maskdpo_xtuner.engines.sources import EngineSource, TransformersPolicy
from maskdpo_xtuner.jsonl import atomic_writer, read_questions
from maskdpo_xtuner.pairing import PairRules, PairSettings
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.records import Question


class JsonlQuestions(Part):
    """A question file: ``question``, ``document``, ``language``, ``topic`` a line."""

    type: Literal['jsonl'] = 'jsonl'
    path: Path
    limit: int | None = Field(default=None, ge=1)

    def load(self) -> list[Question]:
        """The questions; errors name file and line."""
        return read_questions(self.path)[: self.limit]


class TableSource(Part):
    """The questions of a table of facts.

    Attributes:
        table: a built-in table (``elements``, ``countries``, ``minerals``) or your own, as
            ``module:NAME`` or ``path/to/file.py:NAME``; see `maskdpo_xtuner.builtin.tables`.
        split: which topics; settings are chosen on ``validation`` and reported on ``test``.
        topics: the first so many topics of the split, in the table's order (elements by atomic
            number, countries by population, minerals by name); None for all.
    """

    type: Literal['table']
    table: str
    split: Split
    topics: int | None = Field(default=None, ge=1)

    def load(self) -> list[Question]:
        """The questions of the split, topic by topic.

        Raises:
            ValueError: for a table that is not there or cannot be asked about.
        """
        table = find_table(self.table)
        questions = build_questions(table, table.load_rows(), self.split)
        topics = list(dict.fromkeys(question.topic for question in questions))[: self.topics]
        return [question for question in questions if question.topic in topics]


class SamplingSettings(Part):
    """How answers are sampled; the defaults are the paper's (appendix A).

    Attributes:
        document_for_chosen: ask ``num_samples`` times more, with the document in the prompt. Only
            these answers may be chosen and only the others rejected (Table 3, "Llama+Doc").
    """

    num_samples: int = Field(default=32, ge=1)
    max_new_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=0.8, ge=0)
    top_k: int = Field(default=40, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0
    document_for_chosen: bool = False

    @property
    def answers_per_question(self) -> int:
        """Answers with and without the document together."""
        return self.num_samples * (1 + self.document_for_chosen)

    def decoding(self) -> Sampling:
        """What the engine needs of it."""
        return Sampling(self.max_new_tokens, self.temperature, self.top_k, self.top_p)


QuestionSource = Annotated[JsonlQuestions | TableSource, Field(discriminator='type')]


class EvaluationSettings(Part):
    """What `tools/evaluate.py` asks: the paper's runs are five (section 3.1).

    Attributes:
        judges: annotators that label the answers; none for the `annotator` alone, as in the paper.
            The first leads, so name one first that did not make the pairs.
        text_quality: whether the perplexity under the first model is measured, where the policy
            is one of transformers. False where no model can be loaded on this machine.
        perplexity: folders or hub names of other causal models to measure the perplexity under;
            the paper takes GPT-2 (appendix C.2).
        bounds: what a model may lose and still be called better.
    """

    questions: QuestionSource
    num_runs: int = Field(default=5, ge=1)
    temperature: float = Field(default=0.8, ge=0)
    top_k: int = Field(default=40, ge=0)
    seed: int = 0
    judges: tuple[AnnotatorSource, ...] = ()
    text_quality: bool = True
    perplexity: tuple[str, ...] = ()
    bounds: Bounds = Bounds()


class Settings(Part):
    """Everything that one config says.

    Attributes:
        store: the file that remembers completions; None for one in the work dir. Experiments that
            name the same file answer equal requests for each other; they run one after another.
    """

    work_dir: Path
    questions: QuestionSource
    policy: EngineSource = TransformersPolicy()
    sampling: SamplingSettings = SamplingSettings()
    annotator: AnnotatorSource = LexicalSettings()
    pairs: PairSettings = PairSettings()
    evaluation: EvaluationSettings | None = None
    store: Path | None = None

    @property
    def store_path(self) -> Path:
        """Where completions are kept."""
        return self.store or self.work_dir / 'completions.sqlite'

    def flat(self, keys: Collection[str]) -> dict[str, Any]:
        """Some of the settings under dotted keys, without those that change no result."""
        values = self.model_dump(mode='json', include=set(keys))
        return {key: leaf for name in values for key, leaf in _flatten(values[name], name).items()}

    def pair_rules(self) -> PairRules:
        """Which answers may be compared, as `make_pairs` takes it."""
        return PairRules(
            **self.pairs.model_dump(), chosen_with_document=self.sampling.document_for_chosen
        )


def load_settings(
    config: Path | str, options: Mapping[str, Any] | None = None, work_dir: Path | str | None = None
) -> Settings:
    """Read a config file.

    Args:
        config: an mmengine Python config.
        options: ``{'sampling.seed': 1}``, what ``--cfg-options`` gives.
        work_dir: replaces the config's.

    Raises:
        ValueError: naming file, key, what is wrong and the nearest key that exists.
    """
    # mmengine imports torch for other purposes than its configs; that takes seconds.
    with deferred('torch'):
        from mmengine.config import Config

    if not Path(config).is_file():
        raise ValueError(f'{config}: there is no such config; see configs/data/')
    try:
        loaded = Config.fromfile(config)
    except (SyntaxError, OSError, ValueError) as error:
        raise ValueError(f'{config}: not a config that can be read: {error}') from error
    try:
        loaded.merge_from_dict(dict(options or {}))
    except TypeError as error:  # a.b=1 where a is no dict
        raise ValueError(f'{config}: --cfg-options: {error}') from error
    # A name with an underscore is a helper variable of the config.
    values = {key: value for key, value in loaded.to_dict().items() if key[0] != '_'}
    if work_dir is not None:
        values['work_dir'] = str(work_dir)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ValueError(
            '; '.join(_describe(config, detail) for detail in error.errors())
        ) from error


def _describe(config: Path | str, detail: Any) -> str:
    key = '.'.join(str(part) for part in detail['loc'])
    if detail['type'] == 'union_tag_not_found':
        return f'{config}: {key}.type is missing; say which {key} it is'
    if detail['type'] != 'extra_forbidden':
        return f'{config}: {key}: {detail["msg"]}'
    near = difflib.get_close_matches(str(detail['loc'][-1]), _all_keys(Settings), n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ''
    return f'{config}: there is no setting {key}{hint}'


def _all_keys(part: type[BaseModel]) -> set[str]:
    schema = part.model_json_schema()
    parts = [schema, *schema.get('$defs', {}).values()]
    return {key for each in parts for key in each.get('properties', {})}


def guard_work_dir(work_dir: Path, experiment: Mapping[str, Any]) -> None:
    """Write beside the results what determines them, or refuse to mix two experiments.

    Args:
        work_dir: where ``settings.json`` is kept.
        experiment: what determines the results, under dotted keys. What only says where and how
            fast (addresses, concurrency, time-outs) does not belong to it and may change.

    Raises:
        ValueError: when the folder was filled by another experiment, with the difference.
    """
    path = work_dir / 'settings.json'
    if not path.exists():
        with atomic_writer(path) as file:
            json.dump(experiment, file, indent=2, ensure_ascii=False)
        return
    difference = describe_difference(json.loads(path.read_text(encoding='utf-8')), experiment)
    if difference:
        raise ValueError(
            f'{work_dir} holds results of other settings ({difference}); choose another '
            'work dir (--work-dir), or remove this one'
        )


def describe_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """``key: old -> new`` for every key whose value is not the same; empty when all are."""
    return '; '.join(
        f'{key}: {before.get(key)!r} -> {now.get(key)!r}'
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    )


def _flatten(value: Any, prefix: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in _flatten(inner, f'{prefix}.{name}').items()
    }
