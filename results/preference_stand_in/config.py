"""Preference by a stand-in that takes the longer response: what it must say can be counted."""

_base_ = '../demo_full_h100/elements.py'

preference = dict(engine=dict(type='openai', model='longer', base_urls=['http://127.0.0.1:23400']))
