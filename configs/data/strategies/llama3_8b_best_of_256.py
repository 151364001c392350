"""Table 6, best of 256: top-k 40 as in the paper's sampling, more answers."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_best_of_256'
sampling = dict(num_samples=256)
