"""The demo's answers, where the table and the words agree."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_both'
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
_judges = [dict(type='table', table='elements'), dict(type='lexical')]
annotator = dict(_delete_=True, type='agreement', cut_sentence='judged', judges=_judges)
