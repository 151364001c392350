"""Table 4: 1/3 of the topics, with all questions of each."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_topics_1_of_3'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
subset = dict(type='topics', part='1/3')
