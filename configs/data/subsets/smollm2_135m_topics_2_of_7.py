"""Table 4 in small: 2/7 of the topics, with all 7 questions of each."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_topics_2_of_7'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
subset = dict(type='topics', part='2/7')
