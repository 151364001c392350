"""The question about two responses, put to a language model, and its verdict.

As in MT-Bench (Zheng et al. 2023, arXiv 2306.05685) the model reads both responses, reasons, and
ends in a marker: the first, the second, or a tie. It must be asked in both orders, since models
prefer a place; who asks does that.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from maskdpo_xtuner.annotators.asking import NoVerdict, Retries, ask, conversation, whole
from maskdpo_xtuner.annotators.markers import Markers
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Message, Question

Choice = Literal['first', 'second', 'tie']
CHOICES: tuple[Choice, ...] = get_args(Choice)


class Ballot(NamedTuple):
    """The verdict on two responses in one order, or why there is none.

    ``failure`` is ``unparsed: ...`` for an answer that gives no verdict, ``failed: ...`` where
    there is none yet and ``no_answer: ...`` where there will be none.
    """

    choice: Choice | None
    failure: str | None = None


Vote = Generator[Request, Completion | Failure, Ballot]
"""Yields the next request, is sent its outcome, returns the verdict."""


@dataclass
class Judge:
    """Asks which of two responses is better by a criterion.

    Attributes:
        engine: identity of the engine that answers.
        prompt: template of the user turn.
        criteria: name -> what it means.
        markers: marker of each choice; the last one in the model's answer counts, see `Markers`.
        retrying: how often an unreadable answer is asked for again.
        system: text of a system turn; None for none.
        max_new_tokens: limit of what the model writes; what was cut there is not read.
        identity: all of the above.
    """

    engine: Mapping[str, str]
    prompt: Prompt
    criteria: Mapping[str, str]
    markers: Mapping[Choice, str]
    retrying: Retries
    system: str | None = None
    max_new_tokens: int = 512
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._markers = Markers(self.markers)
        self.identity = {
            'name': 'preference',
            'version': '2',
            **{f'engine.{name}': value for name, value in self.engine.items()},
            'prompt': self.prompt.source,
            'prompt_sha256': self.prompt.sha256,
            'criteria': json.dumps(dict(self.criteria), ensure_ascii=False, sort_keys=True),
            'markers': json.dumps(dict(self.markers), ensure_ascii=False, sort_keys=True),
            'system': str(self.system),
            **self.retrying.describe(self.max_new_tokens),
        }

    def compare(self, question: Question, first: str, second: str, criterion: str) -> Vote:
        """Open the dialogue about two responses in this order."""
        content = self.prompt.render(
            question=question.question,
            document=question.document,
            topic=question.topic,
            language=question.language,
            first=first,
            second=second,
            criterion=criterion,
            meaning=self.criteria[criterion],
            markers=dict(self.markers),
        )
        return self._vote(conversation(content, self.system))

    def _vote(self, messages: list[Message]) -> Vote:
        try:
            said = yield from ask(messages, self.max_new_tokens, self.retrying, self._read)
        except NoVerdict as stop:
            return Ballot(None, str(stop))
        return Ballot(said.meaning)

    def _read(self, answer: Completion) -> Choice:
        return self._markers.read(whole(answer))
