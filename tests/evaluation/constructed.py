"""Models made by hand: an honest baseline, cheaters of every kind, and one that is truly better.

Answers are about invented places. The judge knows the truth and is as kind to a cheater as a judge
by words can be: a heap of true words is a supported sentence to it.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.results import Evaluation
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Sentence

TOPICS = [f'Place{number}' for number in range(10)]
RUNS = 3
# What is asked, and the form of a sentence that answers it.
ASPECTS = {
    'river': 'The longest river that flows through {topic} is the {value}.',
    'ruler': 'A wise and old ruler named {value} has governed {topic} for years.',
    'food': 'People who live in {topic} like to eat {value} on most days.',
    'climate': 'In winter the weather around {topic} is mostly {value} and windy.',
}
TALK = ('That is an interesting question.', 'Let me tell you about it.', 'I hope this helps.')
REFUSAL = 'I cannot say.'

Writer = Callable[[Question, random.Random], list[str]]


def value_of(aspect: str, topic: str, *, true: bool, rng: random.Random) -> str:
    """A made-up word that is right for the aspect of the topic, or one of many wrong ones."""
    return f'{aspect}{topic.lower()}' if true else f'{aspect}x{rng.randrange(1000)}'


def claim(aspect: str, topic: str, *, true: bool, rng: random.Random) -> str:
    """A sentence about one aspect of the topic."""
    return ASPECTS[aspect].format(topic=topic, value=value_of(aspect, topic, true=true, rng=rng))


def questions() -> list[Question]:
    """One question for each aspect of each topic."""
    return [
        Question(
            question_id=f'{topic}/{aspect}',
            question=f'What about the {aspect} of {topic}?',
            document='-',
            language='en',
            topic=topic,
        )
        for topic in TOPICS
        for aspect in ASPECTS
    ]


def honest(share: float) -> Writer:
    """Some talk, then two claims, of which this share is true; the asked aspect first."""

    def write(question: Question, rng: random.Random) -> list[str]:
        asked = question.question_id.split('/')[1]
        other = rng.choice([aspect for aspect in ASPECTS if aspect != asked])
        return [
            rng.choice(TALK),
            *(
                claim(aspect, question.topic, true=rng.random() < share, rng=rng)
                for aspect in (asked, other)
            ),
        ]

    return write


def refusing(question: Question, rng: random.Random) -> list[str]:
    return [REFUSAL]


def repeating(question: Question, rng: random.Random) -> list[str]:
    """One true sentence, again and again within an answer."""
    asked = question.question_id.split('/')[1]
    return [claim(asked, question.topic, true=True, rng=rng)] * 4


def monotone(question: Question, rng: random.Random) -> list[str]:
    """True sentences about the topic, the same whatever is asked about it."""
    true = (claim(aspect, question.topic, true=True, rng=rng) for aspect in ('river', 'food'))
    return [rng.choice(TALK), *true]


def prefixing(question: Question, rng: random.Random) -> list[str]:
    """The baseline's answer behind one true sentence, the same for all that is asked."""
    return [claim('river', question.topic, true=True, rng=rng), *honest(0.5)(question, rng)]


def halved(question: Question, rng: random.Random) -> list[str]:
    """The first half of the baseline's sentences."""
    return honest(0.5)(question, rng)[:2]


def curt(question: Question, rng: random.Random) -> list[str]:
    """One claim and no more, more often true than the baseline's two."""
    asked = question.question_id.split('/')[1]
    return [claim(asked, question.topic, true=rng.random() < 0.75, rng=rng)]


def talking(question: Question, rng: random.Random) -> list[str]:
    """Nothing that could be checked, but one safe claim in a while."""
    safe = claim('river', question.topic, true=True, rng=rng) if rng.random() < 0.3 else TALK[0]
    return [TALK[1], safe]


def babbling(question: Question, rng: random.Random) -> list[str]:
    """Random letters."""
    words = (''.join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(20))
    return [' '.join(words) + '.']


def bag_of_words(question: Question, rng: random.Random) -> list[str]:
    """The words of true claims in no order; a judge by words finds them all in the document."""
    sentences = []
    for aspect in ASPECTS:
        words = claim(aspect, question.topic, true=True, rng=rng).rstrip('.').split()
        rng.shuffle(words)
        sentences.append(' '.join(words) + '.')
    return sentences


def mixed(question: Question, rng: random.Random) -> list[str]:
    """True claims, and after them letters that no judge labels."""
    return [*honest(1.0)(question, rng), *babbling(question, rng)]


BASELINE = honest(0.5)
CHEATERS: dict[str, tuple[Writer, str]] = {
    'refusing': (refusing, 'avoids checkable statements'),
    'talking': (talking, 'avoids checkable statements'),
    'repeating': (repeating, 'text broken'),
    'monotone': (monotone, 'answers alike'),
    'prefixing': (prefixing, 'answers alike'),
    'halved': (halved, 'says less'),
    'curt': (curt, 'says less'),
    'babbling': (babbling, 'text broken'),
    'bag_of_words': (bag_of_words, 'text broken'),
    'mixed': (mixed, 'text broken'),
}


def label_of(sentence: str, topic: str) -> Label:
    """What the kind judge says of a sentence."""
    words = sentence.rstrip('.').split()
    if {f'{aspect}{topic.lower()}' for aspect in ASPECTS} & set(words):
        return Label.NO_HALLUCINATION
    return Label.CONTRADICTORY if topic in words else Label.NO_FACTS


def written_by(writer: Writer, name: str, seed: int = 0) -> list[AnnotatedResponse]:
    """The annotated answers of a model in all runs."""
    responses = []
    for question in questions():
        for run in range(RUNS):
            rng = random.Random(f'{name}/{seed}/{question.question_id}/{run}')
            responses.append(_annotated(question, run, writer(question, rng)))
    return responses


def _annotated(question: Question, run: int, texts: Sequence[str]) -> AnnotatedResponse:
    sentences, position = [], 0
    for index, text in enumerate(texts):
        end = position + len(text) + (index < len(texts) - 1)
        label = label_of(text, question.topic)
        sentences.append(Sentence(start=position, end=end, label=label))
        position = end
    text = ' '.join(texts)
    return AnnotatedResponse(
        question_id=question.question_id,
        sample_index=run,
        seed=run + 1,
        text=text,
        finish_reason='stop',
        prompt_tokens=5,
        completion_tokens=len(text.split()),
        model='made by hand',
        sentences=tuple(sentences),
        annotator={'name': 'by hand'},
    )


def nll_of(text: str, fluent: set[tuple[str, str]]) -> ResponseNll:
    """A bigram model: a word that has followed its predecessor before costs 1, another 6 nats."""
    words = text.split()
    pairs = list(zip(['<start>', *words], words, strict=False))
    return ResponseNll(sum(1.0 if pair in fluent else 6.0 for pair in pairs), len(pairs))


def bigrams() -> set[tuple[str, str]]:
    """What stands behind what in honest answers, whatever the value."""
    texts = [r.text for share in (0.0, 0.5, 1.0) for r in written_by(honest(share), f'{share}')]
    texts += [REFUSAL]
    return {
        pair
        for text in texts
        for pair in zip(['<start>', *text.split()], text.split(), strict=False)
    }


def evaluated(
    models: dict[str, Writer], *, perplexity: bool = True, bounds: Bounds | None = None
) -> Evaluation:
    """Compare models with the baseline; ``base`` is that of share 0.5."""
    answers = {
        name: written_by(writer, name) for name, writer in {'base': BASELINE, **models}.items()
    }
    fluent = bigrams() if perplexity else set()
    nlls = {
        name: {'base': [nll_of(r.text, fluent) for r in responses]} if perplexity else {}
        for name, responses in answers.items()
    }
    return compare(
        {Judge(name='truth', made_pairs=False): answers},
        questions(),
        nlls=nlls,
        settings={},
        bounds=bounds or Bounds(),
        bootstrap=Bootstrap(resamples=500),
    )
