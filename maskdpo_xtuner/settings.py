"""The settings of the tools: an mmengine Python config, read into types.

One config describes an experiment: questions, policy, sampling, annotator, pairs, evaluation. A
key that does not exist, or a value of the wrong type, is refused with the key's name.
"""

from __future__ import annotations

import difflib
import importlib
import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.settings import AnnotatorChoice, LexicalSettings
from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.config_files import find_config, know_our_bases, search_beside
from maskdpo_xtuner.deferred import deferred
from maskdpo_xtuner.engines.base import TEMPERATURE, TOP_K, TOP_P, Sampling
from maskdpo_xtuner.engines.settings import EngineChoice, TransformersSettings
from maskdpo_xtuner.evaluation_settings import EvaluationSettings
from maskdpo_xtuner.experiments import (
    COMPLETIONS,
    NOT_SAID,
    describe_difference,
    keeping_store,
    read_experiment,
)
from maskdpo_xtuner.pairing import PairRules, PairSettings
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.preference.settings import PreferenceSettings
from maskdpo_xtuner.questions import QuestionsChoice
from maskdpo_xtuner.registry import ANNOTATORS, EMBEDDINGS, ENGINES, QUESTIONS, SUBSETS
from maskdpo_xtuner.subsets import SubsetChoice, SubsetSettings

Annotation = Literal['all', 'needed']
_CHOICES = (ANNOTATORS, ENGINES, QUESTIONS, SUBSETS, EMBEDDINGS)


class CustomImports(Part):
    """Modules to import before the settings are read, as in every config of mmengine.

    Attributes:
        imports: their names.
        allow_failed_imports: whether one that cannot be imported makes a warning, no error.
    """

    imports: list[str] = []
    allow_failed_imports: bool = False


class SamplingSettings(Part):
    """How answers are sampled; the defaults are the paper's (appendix A).

    Attributes:
        document_for_chosen: ask ``num_samples`` times more, with the document in the prompt. Only
            these answers may be chosen and only the others rejected (Table 3, "Llama+Doc").
    """

    num_samples: int = Field(default=32, ge=1)
    max_new_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=TEMPERATURE, ge=0)
    top_k: int = Field(default=TOP_K, ge=0)
    top_p: float = Field(default=TOP_P, gt=0, le=1)
    seed: int = 0
    document_for_chosen: bool = False

    @property
    def responses_per_question(self) -> int:
        """Answers with and without the document together."""
        return self.num_samples * (1 + self.document_for_chosen)

    def decoding(self) -> Sampling:
        """Give what the engine needs of it."""
        return Sampling(self.max_new_tokens, self.temperature, self.top_k, self.top_p)


class Settings(Part):
    """Everything that one config says.

    Attributes:
        subset: which part of the questions is sampled, annotated and paired; None, the default,
            for all of them.
        preference: who compares the responses of two models, for `tools/compare_preference.py`.
        annotation: ``all``, the paper's: every sentence of every answer is judged. ``needed``: only
            those that the pairs depend on; pairs.jsonl is the same. What was not asked stands in
            annotated.jsonl as ``not_needed``; ``all`` asks for it later, also in the same work dir.
            For a rule that reads every score, or a judge that asks no engine, all is judged.
        store: the file that remembers completions; None for one in the work dir. Experiments that
            name the same file answer equal requests for each other, evaluations too; they run one
            after another.
    """

    work_dir: Path
    questions: QuestionsChoice
    subset: SubsetChoice | None = None
    policy: EngineChoice = TransformersSettings()
    sampling: SamplingSettings = SamplingSettings()
    annotator: AnnotatorChoice = LexicalSettings()
    pairs: PairSettings = PairSettings()
    annotation: Annotation = 'all'
    evaluation: EvaluationSettings | None = None
    preference: PreferenceSettings | None = None
    store: Path | None = None

    @field_validator('subset')
    @classmethod
    def _check_subset(cls, subset: SubsetSettings | None) -> SubsetSettings | None:
        if subset is not None and subset.part is None:
            raise ValueError('subset.part is missing: the name of the part to take')
        return subset

    @property
    def store_path(self) -> Path:
        """Where completions are kept."""
        return self.store or self.work_dir / COMPLETIONS

    def in_folder(self, folder: Path) -> Self:
        """Give the settings of a part of the run that has a folder of its own."""
        return self.model_copy(update={'work_dir': folder})

    def flat(self, keys: Collection[str]) -> dict[str, Any]:
        """Give some of the settings under dotted keys, without those that change no result."""
        values = self.model_dump(mode='json', include=set(keys))
        return {key: leaf for name in values for key, leaf in flatten(values[name], name).items()}

    def pair_rules(self) -> PairRules:
        """Give what says which answers may be compared, as `make_pairs` takes it."""
        return PairRules(
            **self.pairs.model_dump(), chosen_with_document=self.sampling.document_for_chosen
        )


def load_settings(
    config: Path | str, options: Mapping[str, Any] | None = None, work_dir: Path | str | None = None
) -> Settings:
    """Read a config file.

    Modules named in its ``custom_imports`` are imported, from beside the config or from where
    Python finds them, so that what they register can be chosen.

    Args:
        config: an mmengine Python config, or the name of one that comes with the package.
        options: ``{'sampling.seed': 1}``, what ``--cfg-options`` gives.
        work_dir: replaces the config's.

    Raises:
        ValueError: naming file, key, what is wrong and the nearest key that exists.
    """
    config = find_config(config)
    values = read_config(config, options or {})
    _import_modules(config, values.pop('custom_imports', None))
    if work_dir is not None:
        values['work_dir'] = str(work_dir)
    try:
        return _validated(config, values)
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start : error.end])
        raise ValueError(
            f'{config}: a text holds {half}, half a character; write the whole one'
        ) from error


def _validated(config: Path | str, values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ValueError(
            '; '.join(_describe(config, values, detail) for detail in error.errors())
        ) from error


def read_config(config: Path | str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read a config file as it stands: what it names is not imported.

    Raises:
        ValueError: for a file that is no config, or options that do not fit it.
    """
    # mmengine imports torch for other purposes than its configs; that takes seconds.
    with deferred('torch'):
        from mmengine.config import Config

    know_our_bases(Config)
    try:
        loaded = Config.fromfile(config, import_custom_modules=False)
    except (SyntaxError, OSError, ValueError) as error:
        raise ValueError(f'{config}: not a config that can be read: {error}') from error
    try:
        loaded.merge_from_dict(dict(options))
    except TypeError as error:  # a.b=1 where a is no dict
        raise ValueError(f'{config}: --cfg-options: {error}') from error
    # A name with an underscore is a helper variable of the config.
    return {key: value for key, value in loaded.to_dict().items() if key[0] != '_'}


def _import_modules(config: Path | str, custom_imports: Any) -> None:
    """Import what ``custom_imports`` names, as `mmengine.Config` does."""
    search_beside(config)
    try:
        names = CustomImports.model_validate(custom_imports or {})
    except ValidationError as error:
        example = "custom_imports = dict(imports=['my_module'])"
        raise ValueError(f'{config}: custom_imports: write {example}') from error
    for name in names.imports:
        try:
            importlib.import_module(name)
        except ImportError as error:
            if names.allow_failed_imports:
                warnings.warn(f'{config}: {name} is not imported: {error}', stacklevel=3)
                continue
            raise ValueError(
                f'{config}: custom_imports: {name} cannot be imported: {error}; it must lie beside '
                'the config, be installed, or be in a folder of PYTHONPATH'
            ) from error


def _describe(config: Path | str, values: Any, detail: Any) -> str:
    key = '.'.join(str(part) for part in detail['loc'])
    if detail['type'] == 'type_missing':
        return f'{config}: {key}.{detail["msg"]}'
    if detail['type'] != 'extra_forbidden':
        return f'{config}: {key}: {detail["msg"].removeprefix("Value error, ")}'
    *place, wrong = detail['loc']
    # It may be a setting elsewhere.
    known = (_keys_at(values, place) or _all_keys()) - {wrong}
    near = difflib.get_close_matches(str(wrong), known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ''
    return f'{config}: there is no setting {key}{hint}'


def _keys_at(values: Any, place: Sequence[Any]) -> set[str]:
    """Names of the settings of the choice that stands at a place; empty for another part."""
    for key in place:
        values = values[key]
    if not isinstance(values, dict):  # Trainings of one model, of which the place names no one.
        return set()
    kind: Any = values.get('type')
    found = next((registry for registry in _CHOICES if kind in registry), None)
    return set(found.get(kind).model_fields) if found else set()


def _all_keys() -> set[str]:
    """Names of all settings, those of every registered choice among them."""
    parts: list[type[BaseModel]] = [Settings]
    parts += [registry.get(name) for registry in _CHOICES for name in registry]
    schemas = [part.model_json_schema() for part in parts]
    schemas += [inner for schema in schemas for inner in schema.get('$defs', {}).values()]
    return {key for schema in schemas for key in schema.get('properties', {})}


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
        _write_experiment(path, experiment)
        return
    silent = [key.partition('.')[0] for key, value in experiment.items() if value == NOT_SAID]
    if silent:
        raise ValueError(
            f'{work_dir} has results already, and what determines those of {" and ".join(silent)} '
            'is not known: give it an attribute `identity` (a dict of name, version, ...), or '
            'choose another work dir (--work-dir)'
        )
    recorded = read_experiment(path)
    difference = describe_difference({**recorded, **_how_far(experiment)}, experiment)
    if difference:
        raise ValueError(
            f'{work_dir} holds results of other settings ({difference}); choose another '
            f'work dir (--work-dir){keeping_store(work_dir)}, or remove this one'
        )
    if _how_far(recorded) != _how_far(experiment):
        (work_dir / 'summary.json').unlink(missing_ok=True)
        _write_experiment(path, experiment)


def _how_far(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Give what may change in a work dir: a run that annotates more writes all files anew."""
    return {'annotation': experiment.get('annotation')}


def _write_experiment(path: Path, experiment: Mapping[str, Any]) -> None:
    with atomic_writer(path) as file:
        json.dump(experiment, file, indent=2, ensure_ascii=False)


def flatten(value: Any, prefix: str) -> dict[str, Any]:
    """Give the leaves of nested dicts under dotted keys that begin with ``prefix``."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in flatten(inner, f'{prefix}.{name}').items()
    }
