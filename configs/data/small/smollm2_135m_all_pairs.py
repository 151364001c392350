"""Small, FactTune: three pairs a question at most, of different score."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_all_pairs'
# The answers are those of the base.
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
pairs = dict(rule='all', max_pairs=3)
