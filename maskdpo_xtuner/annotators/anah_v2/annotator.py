"""The annotator that asks a model trained as ANAH-v2 (Gu et al., NeurIPS 2024)."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from maskdpo_xtuner.annotators.anah_v2.context import Context
from maskdpo_xtuner.annotators.anah_v2.dialogue import DialogueSettings, SentenceDialogue
from maskdpo_xtuner.annotators.anah_v2.prompts import OWN, Prompts
from maskdpo_xtuner.annotators.asking import NoVerdict
from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Label, Question, Sentence


@dataclass
class AnahV2Annotator(SentenceAnnotator):
    """Asks about a sentence in up to three turns, in the language of the question.

    Turn 1 asks whether there is a fact to check, turn 2 for the points of the document about it,
    turn 3 for the type of hallucination given these points; decoding is greedy. An answer that
    cannot be read and a request that failed leave the sentence without a label: its ``failure``
    begins with ``unparsed:`` or ``failed:`` and names the turn.

    Attributes:
        engine: identity of the engine that answers, with its ``model``.
        prompts: the wording of the three turns. A model named anah-v2 that does not get the
            prompts it was trained on makes a warning.
        context: the model's context. A document that is too long for it is shortened to the
            passages most relevant to question and sentence, and a note on the sentence says so.
        settings: of the dialogue.
        identity: all of the above, as every annotated response records it.
    """

    engine: Mapping[str, str]
    prompts: Prompts
    context: Context
    settings: DialogueSettings = DialogueSettings()
    identity: Mapping[str, str] = field(init=False)

    languages = ('en', 'zh')

    def __post_init__(self) -> None:
        settings = {name: str(value) for name, value in self.settings.model_dump().items()}
        self.identity = {
            'name': 'anah_v2',
            'version': '3',
            **{f'engine.{name}': value for name, value in self.engine.items()},
            'prompts': self.prompts.source,
            'prompts_sha256': self.prompts.sha256,
            'sampling': 'greedy',
            'context_length': str(self.context.length),
            **settings,
        }
        model = self.engine.get('model', '')
        if self.prompts.source == OWN and 'anah-v2' in model.lower().replace('_', '-'):
            warnings.warn(
                f'{model} was trained on the published prompts and is asked with ours; import '
                'those with `maskdpo import-anah-prompts` and set annotator.prompts',
                stacklevel=3,
            )

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Ask about ``text[span[0]:span[1]]``."""
        start, end = span
        dialogue = SentenceDialogue(
            question, text[start:end].strip(), self.prompts, self.context, self.settings
        )
        label: Label | None = None
        failure: str | None = None
        points: tuple[str, ...] = ()
        try:
            label, points = yield from dialogue.run()
        except NoVerdict as stop:
            failure = str(stop)
        notes = tuple(dialogue.notes)
        return Sentence(
            start=start, end=end, label=label, failure=failure, points=points, notes=notes
        )
