"""The paper's questions and sampling, with a model of natural language inference as the judge."""

_base_ = ['./llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_nli_judge'
_nli = 'MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli'
annotator = dict(_delete_=True, type='classifier', model=_nli, dtype='bfloat16')
