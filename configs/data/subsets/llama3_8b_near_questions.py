"""Table 12: the questions nearest to the tested ones, by the policy itself."""

_base_ = ['./llama3_8b_near_llama3_8b.py']

work_dir = 'work_dirs/llama3_8b_near_questions'
subset = dict(of='questions')
