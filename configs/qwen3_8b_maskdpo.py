"""Mask-DPO of Qwen3-8B, asked without thoughts; not of the paper. Needs transformers 4.51."""

_base_ = ['llama3_8b_maskdpo.py']
__import__('maskdpo_xtuner').need_transformers('4.51', 'Qwen3')
tokenizer = dict(pretrained_model_name_or_path='Qwen/Qwen3-8B')
model = dict(llm=dict(pretrained_model_name_or_path='Qwen/Qwen3-8B'))
train_dataloader = dict(dataset=dict(template_kwargs=dict(enable_thinking=False)))
