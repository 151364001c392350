"""Table 3, "InternLM": answers of another model than the one to train."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_non_policy'
policy = dict(model='internlm/internlm2-chat-7b-sft', trust_remote_code=True)
