"""The paper's data for InternLM2-Chat-7B-SFT; see `llama3_8b_anah.py`."""

_base_ = ['../_base_/sampling.py', '../_base_/anah_v2.py']

work_dir = 'work_dirs/internlm2_7b_anah'
questions = dict(type='jsonl', path='question_document.jsonl')
# InternLM2's code is in its repository and not in transformers.
policy = dict(type='lmdeploy', model='internlm/internlm2-chat-7b-sft', trust_remote_code=True)
evaluation = dict(
    questions=dict(type='jsonl', path='test_question_document.jsonl'), num_runs=1, top_k=1
)
