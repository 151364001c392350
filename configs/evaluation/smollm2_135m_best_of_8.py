"""Small, Table 6: eight answers to each question; the best of 1, 2, 4 and 8 by each judge."""

_base_ = ['./smollm2_135m_paper.py']

work_dir = 'work_dirs/smollm2_135m_best_of_8'
evaluation = dict(num_runs=8)
