"""Mask-DPO on the pairs of `llama3_8b_facts_pairs.py`, with a likelihood term; not the paper's."""

_base_ = ['llama3_8b_maskdpo.py']

model = dict(loss_options=dict(nll=1.0))
train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_facts_pairs/pairs.jsonl'))
)
