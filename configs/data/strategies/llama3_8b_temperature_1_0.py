"""Table 11: sampling at temperature 1.0."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_temperature_1_0'
sampling = dict(temperature=1.0)
