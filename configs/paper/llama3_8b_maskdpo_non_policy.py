"""Table 3, "InternLM": Mask-DPO on answers of another model than the one that is trained."""

_base_ = ['../llama3_8b_maskdpo.py']

train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_non_policy/pairs.jsonl'))
)
