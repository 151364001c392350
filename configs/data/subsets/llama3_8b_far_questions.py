"""Table 12: the questions farthest from the tested ones, by the policy itself."""

_base_ = ['./llama3_8b_near_questions.py']

work_dir = 'work_dirs/llama3_8b_far_questions'
subset = dict(part='far')
