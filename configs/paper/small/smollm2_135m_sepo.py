"""Small, Table 8: SePO with the term, on the tokens that `maskdpo select-tokens` selected."""

_base_ = ['../../smollm2_135m_maskdpo.py']

model = dict(loss_type='sepo', beta=1.0)
train_dataloader = dict(dataset=dict(dataset=dict(path='work_dirs/smollm2_135m_sepo/pairs.jsonl')))
