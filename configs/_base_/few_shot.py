"""A template by which a model without instruction tuning answers: five examples, then the question.

Ours: FLAME takes the five examples most like the question out of OpenAssistant. Every example ends
with the model's own end of text, so that an answer ends there, too.
"""

_examples = [
    ('What is a lighthouse?', 'A lighthouse is a tower with a lamp that guides ships at night.'),
    ('Who was Marie Curie?', 'Marie Curie was a physicist and chemist who studied radioactivity.'),
    ('Where do penguins live?', 'Penguins live in the Southern Hemisphere, many in Antarctica.'),
    ('What is a sonnet?', 'A sonnet is a poem of fourteen lines with a fixed scheme of rhymes.'),
    ('When did the Berlin Wall fall?', 'The Berlin Wall fell on 9 November 1989.'),
]
_shots = ''.join(f'Question: {q}\nAnswer: {a}<|end_of_text|>' for q, a in _examples)

_few_shot = '<|begin_of_text|>' + _shots + "Question: {{ messages[-1]['content'] }}\nAnswer:"
