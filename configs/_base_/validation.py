"""Evaluation on held-out pairs; what `val_dataloader` does not say is as in `train_dataloader`.

How many are held out is `train_dataloader.dataset.dataset.held_out`, a share of the pairs.
"""

val_dataloader = dict(dataset=dict(dataset=dict(part='held_out')))
val_cfg = dict(type='MaskDPOValLoop')
# mmengine asks for it; the loop averages by itself.
val_evaluator = []
