"""The nine open models of Table 1 by both judges; see `open_models.py`."""

_base_ = ['./open_models.py']

work_dir = 'work_dirs/open_models_two_judges'
_judge = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
_judge['template_kwargs'] = dict(enable_thinking=False)
evaluation = dict(judges=[{{_base_.annotator}}, dict(type='factscore', engine=_judge)])
