"""XTuner's own supervised fine-tuning, on the whole chosen responses of preference pairs.

Prompts are rendered by the tokenizer's chat template, as for Mask-DPO, and not by XTuner's.
"""

_base_ = ['./schedules/adamw_cosine_3e.py', './default_runtime.py']

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='build_chosen_dataset',
        dataset=dict(type='load_preference_pairs', path='pairs.jsonl'),
        dataset_map_fn='response_mask_map_fn',
        max_length=1024,
        end_of_turn='always',
    ),
    sampler=dict(type='mmengine.dataset.DefaultSampler', shuffle=True),
    collate_fn=dict(type='xtuner.dataset.collate_fns.default_collate_fn'),
)
# Without the hooks that look at pairs.
default_hooks = dict(
    _delete_=True,
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', log_metric_by_epoch=False, interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='StepCheckpointHook', interval=100, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
train_cfg = dict(sample_every=0)
