"""The paper's questions and sampling, with any served model as the judge and our own prompt."""

_base_ = ['./llama3_8b_anah_served.py']

work_dir = 'work_dirs/llama3_8b_llm_judge_served'
_judge = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
annotator = dict(_delete_=True, type='llm', engine=_judge)
