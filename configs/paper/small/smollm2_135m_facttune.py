"""Small, Table 9, FactTune: plain DPO with the term on several pairs a question, for one epoch."""

_base_ = ['../../ablations/smollm2_135m_dpo.py']

train_cfg = dict(max_epochs=1)
train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/smollm2_135m_all_pairs/pairs.jsonl'))
)
