"""What a run of the pipeline counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskdpo_xtuner.columns import align
from maskdpo_xtuner.completions import Accounting
from maskdpo_xtuner.pairing import DroppedQuestion, chose_refusal, chose_unsupported
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.pipeline.sameness import SameAnswers
from maskdpo_xtuner.records import AnnotatedResponse, Label, PreferencePair
from maskdpo_xtuner.refusals import describe_refusals


@dataclass
class Summary:
    """Counts of all stages.

    Attributes:
        questions: questions of the input.
        samples: answers asked for each.
        subset: how the questions were chosen; empty where all are asked.
        requests: what became of the requests to the policy.
        turns: what became of the requests to the annotator.
        responses: answers that came.
        no_answer: answers that will never come, as the request was refused or is too long.
        same: finds questions whose answers are all the same.
        truncated: of these, cut at the token limit.
        blank: of these, without a sentence.
        thoughts_cut: of these, that ended within the model's thoughts.
        not_needed: sentences that nobody was asked about, as they can change no pair.
        labels: other sentences by label; None counts those without a verdict.
        failures: sentences without a verdict by kind: ``unparsed``, ``failed``, ``no_answer``, and
            what cannot be judged, `maskdpo_xtuner.records.LEFT_OUT`.
        pairs: pairs made; a question may have several.
        refusals: of these, whose chosen answer is a refusal.
        refusals_unknown: of these, whose language has no list of refusals.
        unsupported: of these, whose chosen answer has no sentence that the document supports.
        dropped: questions without a pair, by reason.
        chosen_score: sum of the chosen answers' scores; ``rejected_score`` likewise.
    """

    questions: int
    samples: int
    subset: str = ''
    requests: Accounting = field(default_factory=Accounting)
    turns: Accounting = field(default_factory=Accounting)
    responses: int = 0
    no_answer: int = 0
    same: SameAnswers = field(default_factory=SameAnswers)
    truncated: int = 0
    blank: int = 0
    thoughts_cut: int = 0
    not_needed: int = 0
    labels: Counter[Label | None] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    refusals: int = 0
    refusals_unknown: int = 0
    unsupported: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    chosen_score: float = 0.0
    rejected_score: float = 0.0

    def count_response(self, response: AnnotatedResponse) -> None:
        """Enter one annotated answer."""
        self.responses += 1
        self.truncated += response.finish_reason == 'length'
        self.blank += not response.sentences
        self.thoughts_cut += response.thought_cut
        self.same.add(response)
        for sentence in response.sentences:
            if sentence.is_not_needed:
                self.not_needed += 1
                continue
            self.labels[sentence.label] += 1
            if sentence.failure_kind is not None:
                self.failures[sentence.failure_kind] += 1

    def count_failure(self, failure: FailureRecord) -> None:
        """Enter a request without an answer."""
        self.no_answer += failure.final and failure.stage == 'sampling'

    def count_pair(self, made: PreferencePair | DroppedQuestion) -> None:
        """Enter a pair, or a question without one."""
        if isinstance(made, DroppedQuestion):
            self.dropped[made.reason] += 1
            return
        self.pairs += 1
        refuses = chose_refusal(made)
        self.refusals += refuses is True
        self.refusals_unknown += refuses is None
        self.unsupported += chose_unsupported(made)
        self.chosen_score += made.chosen_item.score or 0.0
        self.rejected_score += made.rejected_item.score or 0.0

    @property
    def paired_questions(self) -> int:
        """Questions that gave pairs."""
        return self.questions - self.dropped.total()

    @property
    def missing(self) -> int:
        """Answers that were asked for and are not there, those without an answer among them."""
        return self.questions * self.samples - self.responses

    @property
    def unjudged(self) -> int:
        """Sentences without a verdict because the annotator gave no answer."""
        return self.failures['failed'] + self.failures['no_answer']

    @property
    def exit_status(self) -> int:
        """0 when no answer and no verdict is missing, else 1."""
        return int(self.missing > 0 or self.unjudged > 0)

    def drop_reasons(self) -> str:
        """The reasons with their counts, the most frequent first."""
        return ', '.join(f'{reason}: {count}' for reason, count in self.dropped.most_common())

    def to_dict(self) -> dict[str, Any]:
        """Give what does not depend on how often the run was interrupted, for ``summary.json``."""
        return {
            'questions': self.questions,
            'samples_per_question': self.samples,
            'responses': self.responses,
            'missing_responses': self.missing,
            'no_answer': self.no_answer,
            'truncated_responses': self.truncated,
            'blank_responses': self.blank,
            **({'thoughts_cut': self.thoughts_cut} if self.thoughts_cut else {}),
            'sentences': {_name(label): self.labels[label] for label in (*Label, None)},
            **({'sentences_not_needed': self.not_needed} if self.not_needed else {}),
            'sentences_without_verdict': dict(sorted(self.failures.items())),
            'pairs': self.pairs,
            'paired_questions': self.paired_questions,
            'chosen_refusals': self.refusals,
            **({'chosen_refusals_unknown': unknown} if (unknown := self.refusals_unknown) else {}),
            'chosen_without_supported_sentence': self.unsupported,
            'dropped_questions': dict(sorted(self.dropped.items())),
            'mean_score_chosen': self.chosen_score / self.pairs if self.pairs else None,
            'mean_score_rejected': self.rejected_score / self.pairs if self.pairs else None,
        }

    def table(self) -> str:
        """The counts as lines for a person."""
        sentences = self.labels.total()
        rows = [
            ('questions', f'{self.questions}, {self.samples} answers each'),
            *([('  subset', self.subset)] if self.subset else []),
            *([('requests', self.requests.describe())] if self.requests.expected else []),
            *([('turns', self.turns.describe())] if self.turns.expected else []),
            ('answers', f'{self.responses} ({self.truncated} cut at the token limit)'),
            *([('  no answer', str(self.no_answer))] if self.no_answer else []),
            *([('  cut within thoughts', str(self.thoughts_cut))] if self.thoughts_cut else []),
            ('sentences', str(sentences + self.not_needed)),
            *([('  judged', self._saving())] if self.not_needed else []),
            *(
                (
                    f'  {_name(label)}',
                    f'{self.labels[label]} ({self.labels[label] / sentences:.1%})',
                )
                for label in (*Label, None)
                if self.labels[label]
            ),
            *((f'    {kind}', str(n)) for kind, n in self.failures.most_common()),
            ('pairs', f'{self.pairs}, from {self.paired_questions} of {self.questions} questions'),
            ('  chosen: refusals', describe_refusals(self.refusals, self.refusals_unknown)),
            ('  chosen: nothing supported', str(self.unsupported)),
            *((f'  dropped: {reason}', str(n)) for reason, n in self.dropped.most_common()),
        ]
        if self.pairs:
            chosen, rejected = self.chosen_score / self.pairs, self.rejected_score / self.pairs
            rows.append(('mean score', f'chosen {chosen:.2f}, rejected {rejected:.2f}'))
        return align(rows)

    def _saving(self) -> str:
        """Say what was not asked; of its turns as many a sentence as of what was."""
        asked = self.labels.total()
        share = self.not_needed / (asked + self.not_needed)
        turns = round(self.not_needed * self.turns.expected / asked) if asked else 0
        saved = f'{self.not_needed} ({share:.1%})' + (f', about {turns} turns' if turns else '')
        return f'{asked}, saved {saved}: no pair depends on them'

    def report(self, work_dir: Path) -> str:
        """The table, where the pairs are, and what is missing."""
        lines = [self.table(), f'pairs are in {work_dir / "pairs.jsonl"}']
        file = work_dir / 'failures.jsonl'
        for count, what in (
            (self.missing - self.no_answer, 'answers are missing'),
            (self.failures['failed'], 'sentences could not be judged'),
        ):
            if count:
                lines.append(f'{count} {what}, see {file}; run again to ask for them')
        for count, what in (
            (self.no_answer, 'requests have no answer'),
            (self.failures['no_answer'], 'sentences have no verdict'),
        ):
            if count:
                lines.append(f'{count} {what} and will have none, see {file}')
        if self.same.questions:
            lines.append(self.same.describe())
        return '\n'.join(lines)


def _name(label: Label | None) -> str:
    return label.value if label else 'without_verdict'
