"""Table 4 in small: all topics, with 4 of the 7 questions of each."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_questions_4_of_7'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
subset = dict(type='questions_per_topic', part=4)
