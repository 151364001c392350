"""The demo with a tenth of its pairs held out and evaluated every 10 iterations."""

_base_ = ['smollm2_135m_maskdpo.py', '_base_/validation.py']

train_dataloader = dict(dataset=dict(dataset=dict(held_out=0.1)))
train_cfg = dict(val_interval=10)
