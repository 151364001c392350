"""Mask-DPO of Llama-3.1-8B-Instruct with the paper's settings, on 8 GPUs of 80 GB.

    NPROC_PER_NODE=8 xtuner train configs/llama3_8b_maskdpo.py --deepspeed zero2

A local model, and pairs from elsewhere, by `--cfg-options`:
    model.llm.pretrained_model_name_or_path=FOLDER tokenizer.pretrained_model_name_or_path=FOLDER
    train_dataloader.dataset.dataset.path=PAIRS.jsonl
"""

_base_ = [
    '_base_/models/llama3_8b_instruct.py',
    '_base_/datasets/preference_pairs.py',
    '_base_/schedules/adamw_cosine_3e.py',
    '_base_/default_runtime.py',
]

# 64 pairs a step, as in the paper: 8 GPUs x 8 pairs. On another number of GPUs change batch_size or
# accumulative_counts. The 8 pairs go through the model in rows of at most 4,096 tokens, which bound
# the memory. Estimated memory of a GPU: 32 GiB on 8 GPUs with ZeRO-2 (59 with
# model.use_activation_checkpointing=False, which saves the recomputation), and 21 GiB (48) with
# LoRA on one. The run says its own estimate before the first step.
train_dataloader = dict(batch_size=8)
train_cfg = dict(row_tokens=4096)
