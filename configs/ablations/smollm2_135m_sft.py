"""The demo without its preference part: masked SFT on the correct sentences of the chosen."""

_base_ = ['../smollm2_135m_maskdpo.py']

model = dict(loss_type='sft')
