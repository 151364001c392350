"""Table 12 in small: the questions farthest from the tested ones, by the policy."""

_base_ = ['./smollm2_135m_near_questions.py']

work_dir = 'work_dirs/smollm2_135m_far_questions'
subset = dict(part='far')
