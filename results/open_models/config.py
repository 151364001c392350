"""The nine open models of Table 1 in one evaluation, recorded responses standing in for all."""

_base_ = '../../configs/evaluation/open_models.py'

work_dir = 'work_dirs/open_models'
_served = dict(type='openai', base_urls=['http://127.0.0.1:23460'])
_names = [
    *('Llama3.1-8B', 'Llama3.1-70B', 'Qwen2-7B', 'Qwen2-72B', 'Gemma2-9B', 'Gemma2-27B'),
    *('Yi1.5-6B', 'Yi1.5-9B', 'Yi1.5-34B'),
]
evaluation = dict(
    questions=dict(_delete_=True, type='table', table='elements', split='test', topics=2),
    judges=[
        dict(type='lexical', cut_sentence='judged'),
        dict(type='llm', engine=dict(_served, model='judge'), cut_sentence='judged'),
    ],
    models={name: dict(_served, model=name, _delete_=True) for name in _names},
)
