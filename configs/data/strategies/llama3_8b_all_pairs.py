"""Pairs as FactTune makes them (Table 1): 10 samples, every two of different score; for DPO."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_all_pairs'
# The answers, and the verdicts on them, are the first of the base; FactTune scores by FActScore.
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
sampling = dict(num_samples=10)
pairs = dict(rule='all')
