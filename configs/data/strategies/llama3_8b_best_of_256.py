"""Table 6, best of 256: more answers, in evaluation too, at top-k 40 (footnote 1)."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_best_of_256'
# The first 32 answers, and the verdicts on them, are those of the base.
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
sampling = dict(num_samples=256)
evaluation = dict(num_runs=256, top_k=40)
