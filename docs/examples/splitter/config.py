_base_ = 'maskdpo_xtuner::smollm2_135m_elements.py'
custom_imports = dict(imports=['lines_splitter'])

work_dir = 'work_dirs/lines'
annotator = dict(splitter='lines')
