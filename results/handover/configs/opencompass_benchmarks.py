"""gsm8k, math, gpqa, humaneval, mbpp by OpenCompass 0.5.4, written by maskdpo hand-over.

    opencompass opencompass_benchmarks.py
"""
from mmengine.config import read_base
from opencompass.models import HuggingFacewithChatTemplate, OpenAISDK

with read_base():
    from opencompass.configs.datasets.gsm8k.gsm8k_0shot_v2_gen_a58960 import gsm8k_datasets
    from opencompass.configs.datasets.math.math_0shot_gen_393424 import math_datasets
    from opencompass.configs.datasets.gpqa.gpqa_openai_simple_evals_gen_5aeece import gpqa_datasets
    from opencompass.configs.datasets.humaneval.humaneval_gen_8e312c import humaneval_datasets
    from opencompass.configs.datasets.mbpp.sanitized_mbpp_mdblock_gen_a447ff import sanitized_mbpp_datasets

datasets = [
    *gsm8k_datasets,
    *math_datasets,
    *gpqa_datasets,
    *humaneval_datasets,
    *sanitized_mbpp_datasets,
]
chat_rounds = dict(
    round=[
        dict(role='HUMAN', api_role='HUMAN'),
        dict(role='BOT', api_role='BOT', generate=True),
    ],
    reserved_roles=[dict(role='SYSTEM', api_role='SYSTEM')],
)
models = [
    dict(
        type=HuggingFacewithChatTemplate,
        abbr='base',
        path='HuggingFaceTB/SmolLM2-135M-Instruct',
        max_out_len=1024,
        batch_size=8,
        run_cfg=dict(num_gpus=1),
    ),
    dict(
        type=OpenAISDK,
        abbr='served',
        path='aligned',
        tokenizer_path='HuggingFaceTB/SmolLM2-135M-Instruct',
        openai_api_base='http://127.0.0.1:23400/v1',
        key='EMPTY',
        temperature=0,
        meta_template=chat_rounds,
        query_per_second=64,
        retry=3,
        max_out_len=1024,
        batch_size=64,
    ),
]
