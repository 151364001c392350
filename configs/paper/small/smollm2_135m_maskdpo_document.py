"""Small: the demo's recipe on the pairs of `smollm2_135m_document.py`."""

_base_ = ['../../smollm2_135m_maskdpo.py']

train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/smollm2_135m_document/pairs.jsonl'))
)
