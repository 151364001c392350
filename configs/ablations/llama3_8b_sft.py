"""Masked SFT: the likelihood of the chosen answers' correct sentences alone; not of the paper."""

_base_ = ['../llama3_8b_maskdpo.py']

model = dict(loss_type='sft')
