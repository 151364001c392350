"""Mask-DPO of InternLM2-Chat-7B-SFT with the paper's settings, on 8 GPUs of 80 GB.

    NPROC_PER_NODE=8 xtuner train configs/internlm2_7b_maskdpo.py --deepspeed zero2

A local model, and pairs from elsewhere, by `--cfg-options`:
    model.llm.pretrained_model_name_or_path=FOLDER tokenizer.pretrained_model_name_or_path=FOLDER
    train_dataloader.dataset.dataset.path=PAIRS.jsonl
"""

_base_ = [
    '_base_/models/internlm2_7b_chat_sft.py',
    '_base_/datasets/preference_pairs.py',
    '_base_/schedules/adamw_cosine_3e.py',
    '_base_/default_runtime.py',
]

# 64 pairs a step (paper) = 8 GPUs x 2 pairs x 4 accumulated; memory as of Llama-3.1-8B.
train_dataloader = dict(
    batch_size=2,
    # The model's own code is not known to keep packed sequences apart.
    collate_fn=dict(pack=False, share_prompt=False),
)
optim_wrapper = dict(accumulative_counts=4)
