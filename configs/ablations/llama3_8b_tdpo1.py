"""TDPO1: DPO with the KL divergence of each token, on the same pairs."""

_base_ = ['llama3_8b_dpo.py']

model = dict(loss_type='tdpo1')
