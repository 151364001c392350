"""Table 5: a random half of the topics; another draw by `subset.seed`."""

_base_ = ['../internlm2_7b_anah.py']

work_dir = 'work_dirs/internlm2_7b_second_half'
store = 'work_dirs/internlm2_7b_anah/completions.sqlite'
subset = dict(type='random_halves', part='second')
