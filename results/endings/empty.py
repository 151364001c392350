"""A set without questions."""

_base_ = './config.py'

evaluation = dict(questions=dict(_delete_=True, type='jsonl', path='results/endings/empty.jsonl'))
