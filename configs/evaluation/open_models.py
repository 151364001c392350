"""The nine open models of the paper's Table 1 (all are chat models), one greedy answer a question.

    python tools/evaluate.py configs/evaluation/open_models.py --models Qwen2-7B Gemma2-9B

Without `--models` all are run one after another, those of 70B on four GPUs; an interrupted run goes
on. Names are Table 1's, which `python tools/compare.py RUN --paper table1` prints beside them.
A model that a server runs is an engine of its own, in a config of yours:

    _base_ = 'maskdpo_xtuner::open_models'
    _served = dict(type='openai', base_urls=['http://127.0.0.1:23333'], _delete_=True)
    evaluation = dict(models={'Qwen2-72B': dict(_served, model='Qwen/Qwen2-72B-Instruct')})
"""

_base_ = ['../data/llama3_8b_anah.py']

_four_gpus = dict(type='lmdeploy', options=dict(tp=4))
_pytorch = dict(type='lmdeploy', backend='pytorch')  # TurboMind has no Gemma 2

work_dir = 'work_dirs/open_models'
evaluation = dict(
    num_runs=1,
    top_k=1,
    models={
        'Llama3.1-8B': 'meta-llama/Llama-3.1-8B-Instruct',
        'Llama3.1-70B': dict(_four_gpus, model='meta-llama/Llama-3.1-70B-Instruct'),
        'Qwen2-7B': 'Qwen/Qwen2-7B-Instruct',
        'Qwen2-72B': dict(_four_gpus, model='Qwen/Qwen2-72B-Instruct'),
        'Gemma2-9B': dict(_pytorch, model='google/gemma-2-9b-it'),
        'Gemma2-27B': dict(_pytorch, model='google/gemma-2-27b-it'),
        'Yi1.5-6B': '01-ai/Yi-1.5-6B-Chat',
        'Yi1.5-9B': '01-ai/Yi-1.5-9B-Chat',
        'Yi1.5-34B': '01-ai/Yi-1.5-34B-Chat',
    },
)
