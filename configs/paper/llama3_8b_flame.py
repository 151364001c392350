"""Table 9, FLAME: plain DPO from the fine-tuned model on pairs of its own answers."""

_base_ = ['../ablations/llama3_8b_dpo.py']

_sft = 'work_dirs/paper/llama3_8b_flame_sft/seed_1/hf'
tokenizer = dict(pretrained_model_name_or_path=_sft)
model = dict(llm=dict(pretrained_model_name_or_path=_sft))
train_dataloader = dict(
    dataset=dict(dataset=dict(path='work_dirs/llama3_8b_flame_pairs/pairs.jsonl'))
)
