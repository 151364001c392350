"""Tables 1 to 3, both judges: ANAH-v2 in this process, FActScore by a served model."""

_base_ = ['../data/llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_two_judges'
_judge = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
_judge['template_kwargs'] = dict(enable_thinking=False)
evaluation = dict(judges=[{{_base_.annotator}}, dict(type='factscore', engine=_judge)])
