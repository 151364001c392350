"""The three endings of README.md: another judge or set is named on the command line."""

_base_ = '../factscore_http/config.py'

work_dir = 'work_dirs/endings'
_served = dict(type='openai', base_urls=['http://127.0.0.1:23400'], timeout=5, patience=10)
evaluation = dict(
    questions=dict(topics=1),
    judges=[dict(type='factscore', engine=dict(_served, model='half'), cut_sentence='judged')],
)
