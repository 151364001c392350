"""Table 5: the topics nearest to the tested ones, by Text-Embedding-3-Large."""

_base_ = ['../internlm2_7b_anah.py']

work_dir = 'work_dirs/internlm2_7b_near_openai'
store = 'work_dirs/internlm2_7b_anah/completions.sqlite'
_served = dict(base_url='https://api.openai.com/v1', api_key_env='OPENAI_API_KEY')
_embedding = dict(type='openai', model='text-embedding-3-large', **_served)
subset = dict(type='near_far', part='near', embedding=_embedding)
