"""Small, Table 7: XTuner's SFT of the built-in model on the chosen answers."""

_base_ = ['../../_base_/sft.py', '../../_base_/models/smollm2_135m_sft.py']

optim_wrapper = dict(optimizer=dict(lr=2e-5))
_pairs = dict(path='work_dirs/smollm2_135m_elements/pairs.jsonl')
train_dataloader = dict(batch_size=4, dataset=dict(dataset=_pairs, max_length=384))
