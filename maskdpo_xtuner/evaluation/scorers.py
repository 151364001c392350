"""Which models measure the perplexity of the answers, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.engines.settings import EngineSettings, TransformersSettings
from maskdpo_xtuner.evaluation.nlls import Scorer, remembered_nlls
from maskdpo_xtuner.evaluation.perplexity import Conversation, PerplexityScorer, ResponseNll
from maskdpo_xtuner.evaluation_settings import EvaluationSettings


def scorers_of(
    asked: EvaluationSettings, policy: EngineSettings, name: str, first: EngineSettings
) -> dict[str, Scorer]:
    """Give the first model and those of ``evaluation.perplexity`` by the names that are shown.

    The first model is left out where ``evaluation.text_quality`` is False, and where it is run by
    anything else than transformers: then it may not be on this machine at all. Weights are not
    loaded yet.

    Args:
        asked: which are wanted.
        policy: of the config, on whose device the others are run.
        name: of the first model.
        first: its engine.

    Raises:
        ValueError: for a model that does not exist.
    """
    found: dict[str, Scorer] = {}
    if isinstance(first, TransformersSettings) and asked.text_quality:
        found[name] = _first_model(first)
    device = policy.device if isinstance(policy, TransformersSettings) else 'auto'
    for called, model in asked.perplexity.items():
        found[model if called in found else called] = PerplexityScorer(model, device=device)
    return found


def _first_model(first: TransformersSettings) -> Scorer:
    from maskdpo_xtuner.builtin.model import builtin_model

    return PerplexityScorer(
        first.model or str(builtin_model()),
        dtype=first.dtype,
        device=first.device,
        revision=first.revision,
        trust_remote_code=first.trust_remote_code,
        template_kwargs=first.template_kwargs,
    )


@dataclass(frozen=True)
class Scored:
    """Responses to score.

    Attributes:
        folder: where what is found is remembered.
        before: folders that may remember some already: its own, and those of shards.
        conversations: a question and its response each.
    """

    folder: Path
    before: Sequence[Path]
    conversations: Sequence[Conversation]


@dataclass(frozen=True)
class Scores:
    """What was found.

    Attributes:
        nlls: set and key of a training -> name of a scorer -> one result a response.
        scorers: name of a scorer -> its identity, and what it reads before a response (``after``).
    """

    nlls: dict[tuple[str, str], dict[str, list[ResponseNll]]]
    scorers: dict[str, dict[str, str]]


def score_responses(
    scored: Mapping[tuple[str, str], Scored], scorers: dict[str, Scorer], *, quiet: bool
) -> Scores:
    """Measure the responses of every training by every scorer; a scorer goes when it is done.

    Args:
        scored: set and key of a training -> what it wrote.
        scorers: name -> scorer; emptied, so that one model at a time is in memory.
        quiet: no progress bars.
    """
    about = {name: {**s.identity, 'after': s.context} for name, s in scorers.items()}
    nlls: dict[tuple[str, str], dict[str, list[ResponseNll]]] = {place: {} for place in scored}
    for name in list(scorers):
        scorer = scorers.pop(name)
        for place, each in scored.items():
            nlls[place][name] = remembered_nlls(
                each.folder, scorer, each.conversations, before=each.before, quiet=quiet
            )
    return Scores(nlls, about)
