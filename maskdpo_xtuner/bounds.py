"""What a model may lose before an evaluation says so: the bounds of its verdict."""

from __future__ import annotations

from pydantic import Field

from maskdpo_xtuner.parts import Part


class Bounds(Part):
    """How much worse than the first model's a model's text and content may be.

    Shares are fractions of 1. ``more_...`` is the share that may be added to that of the first
    model: with ``more_repeated=0.1`` and 5 % repeated before, up to 15 % are let pass. A model
    within all bounds is judged by its precision and its supported sentences alone; a share that is
    past half of its bound is named beside the verdict.

    The values are round ones, far above what a model moves between two seeds: of the built-in
    model's answers about elements 1 % repeats within an answer and 4 % is shared with another. A
    bound of 1 is off (1e9 for the perplexity; 0 for `least_supported`).

    Attributes:
        perplexity: factor of the perplexity under the first model, and under every model of
            `evaluation.perplexity`. Upwards only: repeated text has a low one, so a low one excuses
            nothing. The paper's models differ by a factor of 0.8 (appendix C.2, GPT-2). 24 answers
            of the built-in model have 3.6 under it; cut in half 4.5, a first sentence four times
            1.8, their words in no order 404, and four answers of a model that training broke 25.
        more_repeated: share of an answer's 4-grams that have stood in it before (rep-4).
        more_truncated: share of answers cut at the token limit, as those that never end.
        more_shared: share of an answer's 4-grams that the answer to another question on the topic
            has too; for a model that says one thing whatever it is asked.
        distinct: whether the precision must be higher also with every different sentence of a topic
            counted once; for a model that puts one true sentence before every answer.
        fewer_distinct: share of different answers among the runs of a question that may be lost.
        more_uncheckable: share of answers without any checkable sentence.
        more_refusals: share of answers that refuse.
        least_supported: a model of higher precision must keep this share of the first model's
            supported sentences per answer, even if the loss is within noise.
        without_verdict: share of units (sentences, or facts) without a verdict, and of questions
            without an answer, from which on nothing is claimed.
    """

    perplexity: float = Field(default=3.0, ge=1, allow_inf_nan=False)
    more_repeated: float = Field(default=0.1, ge=0, le=1)
    more_truncated: float = Field(default=0.5, ge=0, le=1)
    more_shared: float = Field(default=0.3, ge=0, le=1)
    distinct: bool = True
    fewer_distinct: float = Field(default=0.5, ge=0, le=1)
    more_uncheckable: float = Field(default=0.15, ge=0, le=1)
    more_refusals: float = Field(default=0.1, ge=0, le=1)
    least_supported: float = Field(default=0.8, ge=0, le=1)
    without_verdict: float = Field(default=0.1, ge=0, le=1)
