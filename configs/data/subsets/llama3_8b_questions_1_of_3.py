"""Table 4: all topics, with one question of each."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_questions_1_of_3'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
subset = dict(type='questions_per_topic', part=1)
