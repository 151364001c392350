"""The built-in default: minutes on two CPU cores, without a GPU and without a model hub.

Pairs are made as in `_base_/facts_pairs.py`, which is ours and not the paper's.
"""

_base_ = ['../_base_/facts_pairs.py']

work_dir = 'work_dirs/smollm2_135m_elements'
questions = dict(type='table', table='elements', split='train', topics=16)
policy = dict(type='transformers')
sampling = dict(num_samples=8, max_new_tokens=80)
annotator = dict(type='table', table='elements')
evaluation = dict(
    questions=dict(type='table', table='elements', split='test', topics=12),
    num_runs=2,
    # The judge that did not make the pairs leads.
    judges=[dict(type='lexical'), dict(type='table', table='elements')],
)
