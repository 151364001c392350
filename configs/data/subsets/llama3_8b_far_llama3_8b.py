"""Table 5: the topics farthest from the tested ones, by Llama-3.1-8B-Instruct."""

_base_ = ['./llama3_8b_near_llama3_8b.py']

work_dir = 'work_dirs/llama3_8b_far_llama3_8b'
subset = dict(part='far')
