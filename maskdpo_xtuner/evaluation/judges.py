"""The judges of an evaluation: their names, and which of them made the pairs."""

from __future__ import annotations

import re
from collections import Counter

from maskdpo_xtuner.evaluation_settings import JudgeSettings
from maskdpo_xtuner.records import Record
from maskdpo_xtuner.settings import Settings


class Judge(Record):
    """Who labelled the answers.

    ``made_pairs`` says that the annotator of the training pairs is the same: a model that was
    trained on its labels may have learned what it likes instead of facts.
    """

    name: str
    made_pairs: bool

    @property
    def heading(self) -> str:
        """The name, and whether to trust it."""
        made = 'made the pairs' if self.made_pairs else 'did not make the pairs'
        return f'{self.name} ({made})'


def judges_of(settings: Settings) -> dict[Judge, JudgeSettings]:
    """Give the judges of ``evaluation.judges`` in order; without any, the annotator of the pairs.

    A judge without a name has that of its type; the second of a name is ``name-2``, and so on.
    """
    asked = settings.evaluation
    sources = (asked.judges if asked else ()) or (JudgeSettings(annotator=settings.annotator),)
    # Of several that had to agree, each did.
    makers = (settings.annotator, *getattr(settings.annotator, 'judges', ()))
    times: Counter[str] = Counter()
    judges = {}
    for source in sources:
        # Of a dotted name what it ends in.
        name = source.name or re.split(r'[.:/\\]', source.annotator.type)[-1]
        times[name] += 1
        number = f'-{times[name]}' if times[name] > 1 else ''
        judge = Judge(name=name + number, made_pairs=source.annotator in makers)
        judges[judge] = source
    return judges
