"""An annotator that asks others, and says what they agree on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from maskdpo_xtuner.annotators.agreement.engines import of_judge
from maskdpo_xtuner.annotators.agreement.rule import agreed
from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.annotators.pieces import Piece, pieces_of
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.records import Question, Response, Sentence

Part = Piece | Sentence
VERSION = '1'


class AgreementAnnotator:
    """Has every response judged by all, and joins their verdicts as `agreed` does.

    Judges must cut responses into the same sentences.

    Args:
        judges: at least two.
    """

    def __init__(self, judges: Sequence[Annotator]) -> None:
        self._judges = judges
        told = [identity_of(judge) for judge in judges]
        self._names = [each.get('name', f'judge{n}') for n, each in enumerate(told)]
        self.identity: Mapping[str, str] = _joined(told, self._names) if all(told) else {}
        self.languages = _common_languages(judges)

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open a dialogue about each sentence, in which the judges are asked in turn."""
        return [_run(part) for part in self.pieces(question, response)]

    def pieces(self, question: Question, response: Response) -> list[Part]:
        """Give what can be asked by itself: what is a piece for every judge, or all of it."""
        asked = [pieces_of(judge, question, response) for judge in self._judges]
        places = [[_spans(part) for part in parts] for parts in asked]
        if all(each == places[0] for each in places):
            return [self._join(together) for together in zip(*asked, strict=True)]
        whole = self._run_all(asked, response.response_id)
        return [Piece([(0, len(response.text))], whole, is_split=False)]

    def _join(self, together: Sequence[Part]) -> Part:
        known = [part for part in together if isinstance(part, Sentence)]
        if len(known) == len(together):
            return agreed(self._names, known)
        is_split = all(isinstance(part, Sentence) or part.is_split for part in together)
        dialogue = self._run_all([[part] for part in together], 'a sentence')
        return Piece(_spans(together[0]), dialogue, is_split)

    def _run_all(self, asked: Sequence[Sequence[Part]], name: str) -> Dialogue:
        """Run the dialogues of one judge after the other, and join what they end in."""
        verdicts = []
        for judge, parts in enumerate(asked):
            found: list[Sentence] = []
            for part in parts:
                found.extend((yield from of_judge(judge, _run(part))))
            verdicts.append(found)
        spans = [[(each.start, each.end) for each in found] for found in verdicts]
        if any(each != spans[0] for each in spans):
            raise ValueError(
                f'the judges {", ".join(self._names)} cut {name} into different sentences '
                f'({spans}); give them the same splitter, and take those that judge by sentences'
            )
        return tuple(agreed(self._names, each) for each in zip(*verdicts, strict=True))


def _run(part: Part) -> Dialogue:
    """Run a piece; a sentence that is known asks nothing."""
    if isinstance(part, Sentence):
        return (part,)
    sentences = yield from part.dialogue
    return sentences


def _spans(part: Part) -> list[tuple[int, int]]:
    return [(part.start, part.end)] if isinstance(part, Sentence) else list(part.spans)


def _joined(told: Sequence[Mapping[str, str]], names: Sequence[str]) -> dict[str, str]:
    flat = {f'judge{n}.{key}': value for n, each in enumerate(told) for key, value in each.items()}
    return {'name': 'agreement', 'version': VERSION, 'judges': ', '.join(names), **flat}


def _common_languages(judges: Sequence[Annotator]) -> Collection[str] | None:
    """Give what all speak; None for any language."""
    spoken: Iterator[Collection[str] | None] = (getattr(j, 'languages', None) for j in judges)
    known = [set(each) for each in spoken if each is not None]
    return set.intersection(*known) if known else None
