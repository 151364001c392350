"""Table 5: the topics nearest to the tested ones, by InternLM2-Chat-7B-SFT."""

_base_ = ['../internlm2_7b_anah.py']

work_dir = 'work_dirs/internlm2_7b_near_internlm2_7b'
store = 'work_dirs/internlm2_7b_anah/completions.sqlite'
_name = 'internlm/internlm2-chat-7b-sft'
_model = dict(model=_name, dtype='bfloat16', trust_remote_code=True)
_embedding = dict(type='hidden_states', **_model)
subset = dict(type='near_far', part='near', embedding=_embedding)
