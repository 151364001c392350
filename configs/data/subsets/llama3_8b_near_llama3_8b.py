"""Table 5: the topics nearest to the tested ones, by Llama-3.1-8B-Instruct."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_near_llama3_8b'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
_embedding = dict(type='hidden_states', model='meta-llama/Llama-3.1-8B-Instruct', dtype='bfloat16')
subset = dict(type='near_far', part='near', embedding=_embedding)
