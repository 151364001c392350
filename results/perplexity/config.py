"""The perplexity of the demo's answers under three causal models (appendix C.2), on 4 topics.

Beside the first model, which comes by itself: the aligned one, and the first without its chat
template, which is how GPT-2 would read them: after a start token alone.
"""

_base_ = '../../configs/data/smollm2_135m_elements.py'

evaluation = dict(
    questions=dict(topics=4),
    perplexity=dict(
        aligned='work_dirs/smollm2_135m_maskdpo/hf', plain='work_dirs/smollm2_135m_plain'
    ),
)
