"""Table 5 in small: the topics farthest from the tested ones, by the policy."""

_base_ = ['./smollm2_135m_near_smollm2_135m.py']

work_dir = 'work_dirs/smollm2_135m_far_smollm2_135m'
subset = dict(part='far')
