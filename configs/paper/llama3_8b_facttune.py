"""Tables 1 and 9, FactTune: plain DPO on every two answers of different FActScore."""

_base_ = ['../ablations/llama3_8b_dpo.py']

train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_facttune_pairs/pairs.jsonl'))
)
