"""Small, Table 11: sampling at temperature 0.25."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_temperature_0_25'
sampling = dict(temperature=0.25)
