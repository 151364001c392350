"""Hand-made annotated answers for the tests of metrics and pages."""

from typing import Any

from maskdpo_xtuner.records import AnnotatedResponse, Label, Sentence

LABELS = {
    '.': Label.NO_FACTS,
    '+': Label.NO_HALLUCINATION,
    'c': Label.CONTRADICTORY,
    'u': Label.UNVERIFIABLE,
    '?': None,
}


def answer(question_id: str, run: int, marks: str, **changes: Any) -> AnnotatedResponse:
    """Make an answer of one sentence a mark; ``+`` is true, ``.`` no facts, ``?`` no verdict."""
    texts = [f'Sentence {index} of {question_id}, run {run}. ' for index in range(len(marks))]
    sentences, position = [], 0
    for text, mark in zip(texts, marks, strict=True):
        failure = 'unparsed: hm' if mark == '?' else None
        end = position + len(text)
        sentences.append(Sentence(start=position, end=end, label=LABELS[mark], failure=failure))
        position = end
    fields: dict[str, Any] = {
        'question_id': question_id,
        'sample_index': run,
        'seed': run + 1,
        'text': ''.join(texts),
        'finish_reason': 'stop',
        'prompt_tokens': 5,
        'completion_tokens': 4 * len(marks),
        'model': 'test',
        'sentences': tuple(sentences),
        'annotator': {'name': 'by hand'},
    }
    return AnnotatedResponse(**{**fields, **changes})
