"""Small, Table 8: DPOP with the term, on the same pairs."""

_base_ = ['../../ablations/smollm2_135m_dpo.py']

model = dict(loss_type='dpop')
