"""The paper's data: answers of Llama-3.1-8B-Instruct, labelled by ANAH-v2, on a GPU.

    python tools/sample_and_annotate.py configs/data/llama3_8b_anah.py

The questions are ANAH-v2's file, or any of the same fields (`question`, `document`, `language`).
Local copies, by `--cfg-options`:
    questions.path=FILE policy.model=FOLDER annotator.engine.model=FOLDER
"""

_base_ = ['../_base_/sampling.py', '../_base_/anah_v2.py']

work_dir = 'work_dirs/llama3_8b_anah'
questions = dict(type='jsonl', path='question_document.jsonl')
# The pairs are the same for less than the whole annotation; `annotation=all` asks for the rest.
annotation = 'needed'
policy = dict(type='lmdeploy', model='meta-llama/Llama-3.1-8B-Instruct')
# For tools/evaluate.py: questions of the same form on topics that are not trained on. Decoded
# greedily as Table 1 is (Table 6, footnote 1), so replications are trainings:
# --models base maskdpo=FOLDER,FOLDER,FOLDER
evaluation = dict(
    questions=dict(type='jsonl', path='test_question_document.jsonl'), num_runs=1, top_k=1
)
