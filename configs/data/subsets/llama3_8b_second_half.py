"""Table 5: a random half of the topics; another draw by `subset.seed`."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_second_half'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
subset = dict(type='random_halves', part='second')
