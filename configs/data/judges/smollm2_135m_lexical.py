"""The demo's answers, labelled by their words instead of the table."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_lexical'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
annotator = dict(_delete_=True, type='lexical', cut_sentence='judged')
