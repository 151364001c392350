"""Table 5 in small: a random half of the topics; another draw by `subset.seed`."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_first_half'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
subset = dict(type='random_halves', part='first')
