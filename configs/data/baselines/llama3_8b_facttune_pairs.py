"""Table 9, FactTune: 10 answers, every two of different FActScore (a served judge counts facts)."""

_base_ = ['../strategies/llama3_8b_all_pairs.py']

work_dir = 'work_dirs/llama3_8b_facttune_pairs'
_judge = dict(type='openai', model='Qwen/Qwen3-32B', base_urls=['http://127.0.0.1:23334'])
_judge['template_kwargs'] = dict(enable_thinking=False)
annotator = dict(_delete_=True, type='factscore', engine=_judge)
annotation = 'all'
