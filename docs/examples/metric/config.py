_base_ = 'maskdpo_xtuner::smollm2_135m_elements.py'
custom_imports = dict(imports=['words_metric'])

evaluation = dict(metrics=['words_per_supported'])
