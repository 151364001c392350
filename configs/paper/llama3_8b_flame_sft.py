"""Table 9, FLAME: SFT of the Instruct model on answers of the model before it."""

_base_ = ['../_base_/sft.py', '../_base_/models/llama3_8b.py']

model = dict(llm=dict(pretrained_model_name_or_path='meta-llama/Llama-3.1-8B-Instruct'))
train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_flame_sft_pairs/pairs.jsonl'))
)
