"""Table 7: Mask-DPO from the fine-tuned Llama-3.1-8B, which is the reference, too."""

_base_ = ['../llama3_8b_maskdpo.py']

_sft = 'work_dirs/paper/llama3_8b_base_sft/seed_1/hf'
tokenizer = dict(pretrained_model_name_or_path=_sft)
model = dict(llm=dict(pretrained_model_name_or_path=_sft))
train_dataloader = dict(dataset=dict(dataset=dict(path='work_dirs/llama3_8b_anah/pairs.jsonl')))
