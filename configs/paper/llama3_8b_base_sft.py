"""Table 7: XTuner's SFT of Llama-3.1-8B on the chosen answers of the pairs."""

_base_ = ['../_base_/sft.py', '../_base_/models/llama3_8b.py']

train_dataloader = dict(dataset=dict(dataset=dict(path='work_dirs/llama3_8b_anah/pairs.jsonl')))
