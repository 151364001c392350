"""The built-in default on a table that its recipe was not tuned on."""

_base_ = ['./smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_countries'
questions = dict(table='countries')
annotator = dict(table='countries')
_judges = [
    dict(type='lexical', cut_sentence='judged'),
    dict(type='table', table='countries', cut_sentence='judged'),
]
evaluation = dict(questions=dict(table='countries'), judges=_judges)
