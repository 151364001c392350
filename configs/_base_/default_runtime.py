"""Runtime shared by all trainings. The first line makes the plugin known to XTuner."""

custom_imports = dict(imports=['maskdpo_xtuner.training'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', log_metric_by_epoch=False, interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Optimizer steps between checkpoints, from which a training resumes to the same weights.
    checkpoint=dict(type='StepCheckpointHook', interval=100, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    preflight=dict(type='PreflightHook'),
    mean_over_ranks=dict(type='MeanOverRanksHook'),
    metrics=dict(type='TrainingMetricsHook'),
    # Warns when the chosen answers become less likely, in nats per supervised token.
    displacement=dict(type='DisplacementHook', chosen_shift_below=-0.05, iterations=10),
    # Answers before and after, in the log and in samples.jsonl; see train_cfg.sample_every.
    samples=dict(type='SamplesHook', max_new_tokens=80),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # None: what the machine has, NCCL with CUDA and gloo without.
    dist_cfg=dict(backend=None),
)

visualizer = dict(
    type='Visualizer',
    # Weights & Biases for TensorBoard: --cfg-options visualizer.vis_backends.1.type=WandbVisBackend
    # The first writes scalars.json, which `tools/evaluate.py --training` draws.
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
log_processor = dict(
    by_epoch=False,
    # Means of the last 10 iterations, but not of the last 10 evaluations.
    window_size=10,
    mean_pattern=r'^(?!val/).*(loss|preference|nll|time|grad_norm|rewards|logps|supervised_share)',
)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=42, deterministic=False)
