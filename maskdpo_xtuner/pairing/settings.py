"""Which answers make a pair, and what counts: the settings under ``pairs`` of a config."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.pairing.scores import NoFacts
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.registry import PAIRINGS

Ties = Literal['first', 'most_facts']


class PairSettings(Part):
    """The defaults are the paper's (section 2.2); each key says what it changes against it.

    Attributes:
        rule: which answers are paired, a name of `maskdpo_xtuner.registry.PAIRINGS`.
            ``best_worst`` is the paper's: one pair a question. ``all`` takes every pair of
            strictly different score, as FactTune does (Tian et al. 2023, arXiv 2311.08401);
            ``top_bottom`` the best answers against the worst, rank for rank. A rule of your own
            is a function of your file.
        options: for a rule of your own, what it reads of ``rules.options``.
        top_bottom: for ``rule='top_bottom'``, how many pairs of a question; 1 is ``best_worst``.
        max_pairs: for ``rule='all'``, the most pairs of a question, those of the largest
            differences of score; None, as in FactTune, keeps all.
        no_facts: what a sentence of No Facts is worth. ``correct``, the paper's: as much as a
            supported one in the score, and it is trained on in the chosen answer. ``ignored``: it
            counts in neither, so that an answer cannot be chosen for saying nothing that can be
            checked; an answer of nothing else has no score and is not used.
        ties: which of several answers of equal score is taken; the paper does not say. ``first``:
            the lowest ``sample_index``. ``most_facts``: to be chosen the one with the most
            supported sentences, to be rejected the one with the most hallucinated ones, and only
            then the lowest ``sample_index``.
        max_length_ratio: the longer of the two answers has at most this many times the characters
            of the shorter one. Pairs beyond it are passed over for the next best, and a question is
            dropped when none is left. None, the paper's, takes any. Characters are counted, not
            tokens, so that it means the same for every tokenizer.
        truncated_chosen: whether an answer cut at the token limit may be chosen.
        truncated_rejected: whether it may be rejected.
        max_without_verdict: an answer with a larger share of sentences without a verdict is not
            used; what was not to be judged at all (cut, damaged) is in neither count.
    """

    rule: str = 'best_worst'
    options: dict[str, Any] = {}
    top_bottom: int | None = Field(default=None, ge=1)
    max_pairs: int | None = Field(default=None, ge=1)
    no_facts: NoFacts = 'correct'
    ties: Ties = 'first'
    max_length_ratio: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    truncated_chosen: bool = True
    truncated_rejected: bool = True
    max_without_verdict: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode='after')
    def _check_rule(self) -> Self:
        rule = PAIRINGS.get(self.rule)
        if not callable(rule):
            raise ValueError(f'rule {self.rule!r} is not a function but {type(rule).__name__}')
        if self.options and PAIRINGS.is_built_in(self.rule):
            raise ValueError(f'rule={self.rule!r} has no options; they are for rules of your own')
        return self

    @model_validator(mode='after')
    def _check_numbers(self) -> Self:
        for key, rule in (('top_bottom', 'top_bottom'), ('max_pairs', 'all')):
            if getattr(self, key) is not None and self.rule != rule:
                raise ValueError(f"{key} is for rule='{rule}', not '{self.rule}'; set it to None")
        if self.rule == 'top_bottom' and self.top_bottom is None:
            raise ValueError("rule='top_bottom' needs the number of pairs, such as top_bottom=4")
        return self

    @property
    def most_pairs(self) -> int | None:
        """The most pairs that a question can give; None is without limit."""
        limits = {'best_worst': 1, 'top_bottom': self.top_bottom, 'all': self.max_pairs}
        return limits.get(self.rule)


class PairRules(PairSettings):
    """The settings of the pairs together with what the sampling decides for them.

    Attributes:
        chosen_with_document: whether only answers that were given with the document may be chosen,
            and only answers without it rejected (paper, Table 3, "Llama+Doc").
    """

    chosen_with_document: bool = False
