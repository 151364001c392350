"""Table 4: 2/3 of the topics, with all questions of each."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_topics_2_of_3'
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
subset = dict(type='topics', part='2/3')
