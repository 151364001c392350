"""Table 9, FLAME: what to fine-tune on, answers of the model before instruction tuning."""

_base_ = ['./llama3_8b_facttune_pairs.py', '../../_base_/few_shot.py']

work_dir = 'work_dirs/llama3_8b_flame_sft_pairs'
_template = dict(chat_template={{_base_._few_shot}})
policy = dict(model='meta-llama/Llama-3.1-8B', template_kwargs=_template)
pairs = dict(rule='best_worst')
