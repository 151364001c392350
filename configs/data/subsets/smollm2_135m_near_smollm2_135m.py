"""Table 5 in small: the topics nearest to the tested ones, by the policy."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_near_smollm2_135m'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
subset = dict(type='near_far', part='near', embedding=dict(type='hidden_states'))
