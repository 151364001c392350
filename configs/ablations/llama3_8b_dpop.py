"""Table 8, DPOP: DPO that keeps the chosen answers likely (lambda 50), on the same pairs."""

_base_ = ['llama3_8b_dpo.py']

model = dict(loss_type='dpop')
