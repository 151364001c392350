"""The demo without its sentence masks: DPO with the term on whole answers, on the same pairs."""

_base_ = ['../smollm2_135m_maskdpo.py']

train_dataloader = dict(dataset=dict(dataset_map_fn='response_mask_map_fn'))
