"""Small: Mask-DPO with the term, beta 0.5."""

_base_ = ['../../smollm2_135m_maskdpo.py']

model = dict(beta=0.5)
