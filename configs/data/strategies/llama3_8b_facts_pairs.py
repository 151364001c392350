"""Ours, not the paper's: pairs as in `_base_/facts_pairs.py`, where saying nothing wins nothing."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_facts_pairs'
# The answers, and the verdicts on them, are those of the base.
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
pairs = dict(no_facts='ignored', ties='most_facts')
