"""The paper's schedule: AdamW, 3 epochs, lr 5e-6, cosine.

Warm-up, weight decay and gradient clipping are of the released config; its lr of 5e-7 and its
fp16 are not the paper's and not taken over.
"""

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.999), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0, error_if_nonfinite=False),
    accumulative_counts=1,
)

# MaskDPOTrainLoop stretches the schedule to train_cfg.max_epochs, where that is another number.
_epochs = 3
_warmup = 0.03 * _epochs

param_scheduler = [
    dict(
        type='WarmupLR',
        start_factor=1e-5,
        by_epoch=True,
        begin=0,
        end=_warmup,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.0,
        by_epoch=True,
        begin=_warmup,
        end=_epochs,
        convert_to_iter_based=True,
    ),
]

train_cfg = dict(type='MaskDPOTrainLoop', max_epochs=_epochs)
