_base_ = 'maskdpo_xtuner::smollm2_135m_elements.py'
custom_imports = dict(imports=['initials_subset'])

work_dir = 'work_dirs/initials'
subset = dict(type='initials', part='A-M')
