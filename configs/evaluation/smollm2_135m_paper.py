"""The paper in small: one answer to each of 80 questions on 12 held-out topics, by both judges."""

_base_ = ['../data/smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_paper'
