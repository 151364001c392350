"""The built-in default: minutes on two CPU cores, without a GPU and without a model hub."""

_base_ = ['../_base_/sampling.py']

work_dir = 'work_dirs/smollm2_135m_elements'
questions = dict(type='table', table='elements', split='train', topics=8)
policy = dict(type='transformers', batch_size=32)
sampling = dict(num_samples=8, max_new_tokens=80)
annotator = dict(type='lexical')
evaluation = dict(
    questions=dict(type='table', table='elements', split='test', topics=6), num_runs=4
)
