"""The built-in default: minutes on two CPU cores, without a GPU and without a model hub.

Pairs are made as in `_base_/facts_pairs.py`, which is ours and not the paper's.
"""

_base_ = ['../_base_/facts_pairs.py']

work_dir = 'work_dirs/smollm2_135m_elements'
questions = dict(type='table', table='elements', split='train', topics=16)
policy = dict(type='transformers')
sampling = dict(num_samples=8, max_new_tokens=80)
# Answers of 80 tokens are nearly all cut, and the facts in what was cut can be read.
annotator = dict(type='table', table='elements', cut_sentence='judged')
evaluation = dict(
    questions=dict(type='table', table='elements', split='test', topics=12),
    num_runs=1,
    # The judge that did not make the pairs leads.
    judges=[
        dict(type='lexical', cut_sentence='judged'),
        dict(type='table', table='elements', cut_sentence='judged'),
    ],
)
