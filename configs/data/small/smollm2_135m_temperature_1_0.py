"""Small, Table 11: sampling at temperature 1.0."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_temperature_1_0'
sampling = dict(temperature=1.0)
