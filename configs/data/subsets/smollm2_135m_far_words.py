"""Table 5 in small: the farthest topics, by the word embeddings of the policy."""

_base_ = ['./smollm2_135m_near_words.py']

work_dir = 'work_dirs/smollm2_135m_far_words'
subset = dict(part='far')
