"""Small: Mask-DPO without the likelihood term, as in the paper."""

_base_ = ['../../smollm2_135m_maskdpo.py']

model = dict(loss_options=dict(nll=0.0))
