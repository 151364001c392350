"""Table 11: sampling at temperature 0.5."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_temperature_0_5'
sampling = dict(temperature=0.5)
