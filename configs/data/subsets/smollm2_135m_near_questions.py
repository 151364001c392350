"""Table 12 in small: the questions nearest to the tested ones, by the policy."""

_base_ = ['./smollm2_135m_near_smollm2_135m.py']

work_dir = 'work_dirs/smollm2_135m_near_questions'
subset = dict(of='questions')
