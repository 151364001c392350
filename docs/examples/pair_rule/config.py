_base_ = 'maskdpo_xtuner::smollm2_135m_elements.py'
custom_imports = dict(imports=['margin_rule'])

work_dir = 'work_dirs/margin'
pairs = dict(rule='margin', options=dict(least=0.8))
