"""Small, Table 3, "InternLM": answers of another model, here one that was trained on countries."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_non_policy'
policy = dict(model='work_dirs/paper/small_countries/seed_1/hf')
