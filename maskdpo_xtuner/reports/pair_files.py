"""The files behind a page of pairs, read once: pairs, all annotated answers, dropped questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskdpo_xtuner.forms import read_pairs
from maskdpo_xtuner.jsonl import read_questions, read_records
from maskdpo_xtuner.masking import Side
from maskdpo_xtuner.pairing import DroppedQuestion, chose_refusal, chose_unsupported
from maskdpo_xtuner.pipeline.files import ASKED_FILE
from maskdpo_xtuner.records import AnnotatedResponse, Label, PairItem, PreferencePair, Question

LabelCounts = Counter[Label | None]


@dataclass
class PairFiles:
    """What a page shows: the first pairs whole, and counts over all.

    Attributes:
        source: what the page was made from, for its reader.
        pairs: the pairs to show.
        total: pairs in the file.
        labels: labels over all answers; over both sides of all pairs where there is no file of
            annotated answers. None counts sentences without a verdict.
        not_needed: sentences that nobody was asked about; they are not in ``labels``.
        refusals: pairs whose chosen answer is a refusal.
        refusals_unknown: pairs in a language without a list of refusals.
        unsupported: pairs whose chosen answer has no supported sentence; None where no pair tells
            its labels.
        scores: side -> scores of all pairs that have one.
        responses: question id -> its annotated answers, for the questions of ``pairs``.
        asked: question id -> the question with its document, for the questions of ``pairs``; none
            where it is not known what was asked.
        questions: questions that have annotated answers; 0 where there is no file of them.
        dropped: the dropped questions to show.
        reasons: how many questions were dropped for what.
    """

    source: str
    pairs: list[PreferencePair]
    total: int
    labels: LabelCounts
    not_needed: int = 0
    refusals: int = 0
    refusals_unknown: int = 0
    unsupported: int | None = None
    scores: dict[Side, list[float]] = field(default_factory=lambda: {'chosen': [], 'rejected': []})
    responses: dict[str, list[AnnotatedResponse]] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)
    questions: int = 0
    dropped: list[DroppedQuestion] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def document(self, pair: PreferencePair) -> str | None:
        """Give the document that the answers of a pair were checked against, if it is known.

        Raises:
            ValueError: when the question of that id is another one than the pair's.
        """
        question = self.asked.get(pair.question_id or '')
        if question is None:
            return None
        if not any(question.question in message.content for message in pair.prompt):
            raise ValueError(
                f'the question {pair.question_id} is another one than the pair asks; name the '
                'questions that these pairs were made from'
            )
        return question.document


def read_pair_files(
    source: Path | str,
    annotated: Path | str | None = None,
    dropped: Path | str | None = None,
    limit: int | None = None,
    asked: Sequence[Question] | None = None,
) -> PairFiles:
    """Read a file of pairs, or a work dir with ``pairs.jsonl`` and what lies beside it.

    Args:
        source: the file, or the folder.
        annotated: annotated answers; in a folder ``annotated.jsonl`` if there is one.
        dropped: dropped questions; in a folder ``dropped.jsonl`` if there is one.
        limit: how many pairs, and how many dropped questions, to keep; None keeps all.
        asked: the questions with their documents; in a folder those of ``asked.jsonl`` if there is
            one.

    Raises:
        RecordError: for a missing or empty file and for a bad line.
    """
    folder = Path(source)
    if folder.is_dir():
        source = folder / 'pairs.jsonl'
        annotated = annotated or _if_there(folder / 'annotated.jsonl')
        dropped = dropped or _if_there(folder / 'dropped.jsonl')
        if asked is None and (folder / ASKED_FILE).is_file():
            asked = read_questions(folder / ASKED_FILE)
    files = _read_pairs(source, limit)
    shown = {pair.question_id for pair in files.pairs}
    files.asked = {q.question_id: q for q in asked or () if q.question_id in shown}
    if annotated:
        _add_responses(files, read_records(annotated, AnnotatedResponse))
    # Nothing dropped is an empty file, which is no error.
    if dropped and (not Path(dropped).is_file() or Path(dropped).stat().st_size):
        items = list(read_records(dropped, DroppedQuestion))
        files.reasons = Counter(item.reason for item in items)
        files.dropped = items[:limit]
    return files


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read_pairs(path: Path | str, limit: int | None) -> PairFiles:
    files = PairFiles(str(path), [], 0, Counter())
    for pair in read_pairs(str(path)):
        if limit is None or files.total < limit:
            files.pairs.append(pair)
        files.total += 1
        refuses = chose_refusal(pair)
        files.refusals += refuses is True
        files.refusals_unknown += refuses is None
        if pair.chosen_item.labels is not None:
            files.unsupported = (files.unsupported or 0) + chose_unsupported(pair)
        for side, scores in files.scores.items():
            item: PairItem = getattr(pair, f'{side}_item')
            files.labels.update(item.labels or ())
            if item.score is not None:
                scores.append(item.score)
    return files


def _add_responses(files: PairFiles, responses: Iterable[AnnotatedResponse]) -> None:
    """Count the labels of all answers and keep those to the questions shown."""
    shown = {pair.question_id for pair in files.pairs}
    seen = set()
    files.labels = Counter()
    for response in responses:
        seen.add(response.question_id)
        asked = [sentence for sentence in response.sentences if not sentence.is_not_needed]
        files.labels.update(sentence.label for sentence in asked)
        files.not_needed += len(response.sentences) - len(asked)
        if response.question_id in shown:
            files.responses.setdefault(response.question_id, []).append(response)
    files.questions = len(seen)
