"""The paper's data for Gemma-3-12B-it; see `llama3_8b_anah.py`."""

_base_ = ['./llama3_8b_anah.py']
work_dir = 'work_dirs/gemma3_12b_anah'
# TurboMind has no Gemma 3.
policy = dict(model='google/gemma-3-12b-it', backend='pytorch')
