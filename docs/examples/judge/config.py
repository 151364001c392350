_base_ = 'maskdpo_xtuner::smollm2_135m_elements.py'
custom_imports = dict(imports=['numbers_judge'])

work_dir = 'work_dirs/numbers'
annotator = dict(_delete_=True, type='numbers')
