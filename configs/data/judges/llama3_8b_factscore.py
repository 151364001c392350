"""3.2, 3.3: the paper's answers, labelled by atomic facts instead of ANAH-v2."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_factscore'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
_served = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
annotator = dict(_delete_=True, type='factscore', engine=_served)
