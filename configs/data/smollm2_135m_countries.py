"""The built-in default on another table: the recipe was not tuned on it."""

_base_ = ['./smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_countries'
questions = dict(table='countries')
annotator = dict(table='countries')
evaluation = dict(questions=dict(table='countries'))
