r"""The paper's out-of-domain set (Table 1, Biography) by FActScore: 500 names and their pages.

    lmdeploy serve api_server Qwen/Qwen3-32B --server-port 23334 --enable-prefix-caching
    maskdpo evaluate configs/evaluation/llama3_8b_biography.py --models base aligned=FOLDER

Names and pages are those of FActScore's release, where `python -m factscore.download_data` put
them; see docs/factscore.md. Answers are greedy, as in Table 1.
"""

_base_ = ['../data/llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_biography'
_pages = '.cache/factscore/enwiki-20230401.db'
_judge = dict(
    type='openai',
    model='Qwen/Qwen3-32B',
    base_urls=['http://127.0.0.1:23334'],
    template_kwargs=dict(enable_thinking=False),
)
evaluation = dict(
    _delete_=True,
    questions=dict(type='names', path='data/unlabeled/prompt_entities.txt', knowledge=_pages),
    judges=[dict(type='factscore', engine=_judge, knowledge=_pages)],
    num_runs=1,
    top_k=1,
)
