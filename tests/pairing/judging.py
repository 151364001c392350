"""Responses that are judged sentence by sentence, as far as the pairs need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskdpo_xtuner.pairing import PairRules, bounds_of, still_needed
from maskdpo_xtuner.records import NOT_NEEDED, AnnotatedResponse, Sentence


@dataclass
class Judging:
    """What was asked of responses of which every verdict is there already.

    Attributes:
        responses: as they would be when all is judged.
        steps: sentences that one answer of the judge decides, 0 for all of a response.
    """

    responses: Sequence[AnnotatedResponse]
    steps: int = 1

    def __post_init__(self) -> None:
        self.asked = {response.sample_index: 0 for response in self.responses}
        self.rounds = 0

    def partial(self) -> list[AnnotatedResponse]:
        """The responses with what was asked."""
        return [self._cut(response) for response in self.responses]

    def _cut(self, response: AnnotatedResponse) -> AnnotatedResponse:
        asked = self.asked[response.sample_index]
        if not asked and not self.steps and response.sentences:
            whole = Sentence(start=0, end=len(response.text), failure=NOT_NEEDED)
            return response.model_copy(update={'sentences': (whole,)})
        rest = [Sentence(start=s.start, end=s.end, failure=NOT_NEEDED) for s in response.sentences]
        sentences = (*response.sentences[:asked], *rest[asked:])
        return response.model_copy(update={'sentences': sentences})

    def run(self, rules: PairRules) -> list[AnnotatedResponse]:
        """Ask until the pairs are decided; gives the responses as they are then."""
        of_sentences = self.steps > 0
        while True:
            known = [bounds_of(r, rules, of_sentences=of_sentences) for r in self.partial()]
            wanted = still_needed(known, rules)
            if not wanted:
                return self.partial()
            self.rounds += 1
            for response in wanted:
                assert response.is_partial
                self.asked[response.sample_index] += self.steps or len(response.text)
