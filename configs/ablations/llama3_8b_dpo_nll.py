"""Plain DPO with the likelihood of the chosen answers, on the same pairs; not of the paper."""

_base_ = ['llama3_8b_dpo.py']

model = dict(loss_options=dict(nll=1.0))
