"""Table 9, FLAME: pairs of the fine-tuned model, the best and the worst of 10 by FActScore."""

_base_ = ['./llama3_8b_facttune_pairs.py']

work_dir = 'work_dirs/llama3_8b_flame_pairs'
store = None
policy = dict(model='work_dirs/paper/llama3_8b_flame_sft/seed_1/hf')
pairs = dict(rule='best_worst')
