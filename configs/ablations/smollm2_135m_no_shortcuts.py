"""The demo with every shortcut off: the same losses, for more time and memory."""

_base_ = ['../smollm2_135m_maskdpo.py']

model = dict(logits=dict(supervised_only=False), reference='model')
train_dataloader = dict(collate_fn=dict(pack=False, share_prompt=False, cut_tail=False))
