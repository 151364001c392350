"""Small: Mask-DPO with the term, beta 1."""

_base_ = ['../../smollm2_135m_maskdpo.py']

model = dict(beta=1.0)
