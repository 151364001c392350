r"""The paper's data (`llama3_8b_anah.py`) by servers, on any number of GPUs and nodes.

    lmdeploy serve api_server meta-llama/Llama-3.1-8B-Instruct --server-port 23333 \
        --enable-prefix-caching
    lmdeploy serve api_server opencompass/anah-v2 --server-port 23334 \
        --enable-prefix-caching --session-len 32768
    python tools/sample_and_annotate.py configs/data/llama3_8b_anah_served.py

One server a GPU; all of them, or a `lmdeploy serve proxy` before them, are named in `base_urls`.
"""

_base_ = ['./llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_anah_served'
policy = dict(type='openai', base_urls=['http://127.0.0.1:23333'])
annotator = dict(
    engine=dict(
        _delete_=True,
        type='openai',
        model='opencompass/anah-v2',
        base_urls=['http://127.0.0.1:23334'],
        # Prompts are rendered here: whatever the server takes for InternLM2's template.
        tokenizer='opencompass/anah-v2',
        trust_remote_code=True,
    )
)
