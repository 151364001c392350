"""Table 8, TDPO: TDPO2 with alpha 0.5, on the same pairs."""

_base_ = ['llama3_8b_dpo.py']

model = dict(loss_type='tdpo2')
