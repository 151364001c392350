"""Table 11: Mask-DPO on answers sampled at temperature 0.25."""

_base_ = ['../llama3_8b_maskdpo.py']

train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_temperature_0_25/pairs.jsonl'))
)
