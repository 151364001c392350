"""Biographies by FActScore: names of a file, their pages in an SQLite file, everything by HTTP."""

_base_ = '../../configs/evaluation/llama3_8b_biography.py'

work_dir = 'work_dirs/biography'
_pages = 'work_dirs/biography/knowledge.db'
_served = dict(type='openai', base_urls=['http://127.0.0.1:23460'])
evaluation = dict(
    questions=dict(
        path='results/biography/names.txt', knowledge=_pages, missing='leave_out', limit=None
    ),
    judges=[dict(type='factscore', engine=dict(_served, model='facts'), knowledge=_pages)],
    models=dict(short=dict(_served, model='short'), long=dict(_served, model='long')),
)
