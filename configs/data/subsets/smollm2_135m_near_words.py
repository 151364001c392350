"""Table 5 in small: the nearest topics, by the word embeddings of the policy."""

_base_ = ['./smollm2_135m_near_smollm2_135m.py']

work_dir = 'work_dirs/smollm2_135m_near_words'
subset = dict(embedding=dict(layer=0))
