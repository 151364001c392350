"""The paper's test questions, greedily, for InternLM2-Chat-7B-SFT (Table 5)."""

_base_ = ['../data/internlm2_7b_anah.py']

work_dir = 'work_dirs/internlm2_7b'
_questions = dict(type='jsonl', path='test_question_document.jsonl')
evaluation = dict(questions=_questions, num_runs=1, top_k=1)
