"""Which models measure the perplexity of the answers, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.evaluation.nlls import Scorer, remembered_nlls
from maskdpo_xtuner.evaluation.perplexity import AnswerNll, PerplexityScorer
from maskdpo_xtuner.records import Question, Response
from maskdpo_xtuner.settings import EvaluationSettings, Settings


def scorers_of(
    settings: Settings, asked: EvaluationSettings, models: Mapping[str, str | None]
) -> dict[str, Scorer]:
    """The first model, and those of ``evaluation.perplexity``, by the names they are shown with.

    The first model is left out where ``evaluation.text_quality`` is False, and where the policy is
    run by anything else than transformers: then it may not be on this machine at all. Weights are
    not loaded yet.

    Raises:
        ValueError: for a model that does not exist.
    """
    policy = settings.policy
    found: dict[str, Scorer] = {}
    if isinstance(policy, TransformersSettings) and asked.text_quality:
        name, model = next(iter(models.items()))
        found[name] = _first_model(policy, model)
    device = policy.device if isinstance(policy, TransformersSettings) else 'auto'
    for model in asked.perplexity:
        short = Path(model).name
        found[model if short in found else short] = PerplexityScorer(model, device=device)
    return found


def _first_model(policy: TransformersSettings, model: str | None) -> Scorer:
    from maskdpo_xtuner.builtin.model import builtin_model

    return PerplexityScorer(
        model or policy.model or str(builtin_model()),
        dtype=policy.dtype,
        device=policy.device,
        revision=None if model else policy.revision,
        trust_remote_code=policy.trust_remote_code,
        template_kwargs=policy.template_kwargs,
    )


def score_answers(
    folder: Path,
    scorers: dict[str, Scorer],
    answers: Mapping[str, Sequence[Response]],
    questions: Mapping[str, Question],
    *,
    quiet: bool,
) -> dict[str, dict[str, list[AnswerNll]]]:
    """Measure the answers of every model by every scorer; a scorer goes when it is done.

    Args:
        folder: with a folder for each model, where what was found is remembered.
        scorers: name -> scorer; emptied, so that one model at a time is in memory.
        answers: model -> its answers.
        questions: by id.
        quiet: no progress bars.

    Returns:
        model -> scorer -> one result an answer.
    """
    found: dict[str, dict[str, list[AnswerNll]]] = {name: {} for name in answers}
    for scorer_name in list(scorers):
        scorer = scorers.pop(scorer_name)
        for name, responses in answers.items():
            conversations = [(questions[r.question_id].question, r.text) for r in responses]
            found[name][scorer_name] = remembered_nlls(
                folder / name, scorer, conversations, quiet=quiet
            )
    return found
