"""Table 3, "Llama+Doc": Mask-DPO on chosen answers that were given with the document."""

_base_ = ['../llama3_8b_maskdpo.py']

train_dataloader = dict(dataset=dict(dataset=dict(path='work_dirs/llama3_8b_document/pairs.jsonl')))
