"""Table 5: the topics farthest from the tested ones, by InternLM2-Chat-7B-SFT."""

_base_ = ['./internlm2_7b_near_internlm2_7b.py']

work_dir = 'work_dirs/internlm2_7b_far_internlm2_7b'
subset = dict(part='far')
