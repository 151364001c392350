"""Mask-DPO of Llama-3.1-8B-Instruct with LoRA on one GPU of 80 GB; not of the paper.

    xtuner train configs/llama3_8b_maskdpo_lora.py --deepspeed zero2

Models and pairs from elsewhere by `--cfg-options`, as in `llama3_8b_maskdpo.py`.
"""

_base_ = ['llama3_8b_maskdpo.py']

# The base model is the reference.
model = dict(lora=dict(type='peft.LoraConfig', r=64, lora_alpha=16, task_type='CAUSAL_LM'))
# 64 pairs a step. Adapters start at zero and want a higher rate than the weights themselves.
optim_wrapper = dict(accumulative_counts=8, optimizer=dict(lr=5e-5))
