"""Table 5: the topics farthest from the tested ones, by Text-Embedding-3-Large."""

_base_ = ['./llama3_8b_near_openai.py']

work_dir = 'work_dirs/llama3_8b_far_openai'
subset = dict(part='far')
