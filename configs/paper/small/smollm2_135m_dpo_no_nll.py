"""Small: plain DPO without the likelihood term, as in the paper."""

_base_ = ['../../ablations/smollm2_135m_dpo.py']

model = dict(loss_options=dict(nll=0.0))
