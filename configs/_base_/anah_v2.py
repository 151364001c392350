"""ANAH-v2 as the annotator, in this process on a GPU.

Its published prompts, once `python tools/import_anah_prompts.py CHECKOUT` has written them:
`--cfg-options annotator.prompts=anah_v2_prompts.json`; without, it is asked in our wording.
"""

annotator = dict(
    type='anah_v2',
    engine=dict(
        type='lmdeploy',
        model='opencompass/anah-v2',
        # InternLM2's code is in its repository and not in transformers.
        trust_remote_code=True,
        options=dict(session_len=32768),
    ),
    context_length=32768,
)
