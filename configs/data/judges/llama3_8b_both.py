"""3.2, 3.3: the same answers, where ANAH-v2 and atomic facts agree."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_both'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
_served = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
_judges = [{{_base_.annotator}}, dict(type='factscore', engine=_served)]
annotator = dict(_delete_=True, type='agreement', judges=_judges)
