"""The paper's data for Qwen3-8B, asked without thoughts; see `llama3_8b_anah.py`."""

_base_ = ['./llama3_8b_anah.py']
work_dir = 'work_dirs/qwen3_8b_anah'
policy = dict(model='Qwen/Qwen3-8B', template_kwargs=dict(enable_thinking=False))
