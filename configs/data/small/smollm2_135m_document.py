"""Small, Table 3, "Llama+Doc": what may be chosen was given with the document."""

_base_ = ['../smollm2_135m_elements.py']

work_dir = 'work_dirs/smollm2_135m_document'
# The answers without the document are those of the base.
store = 'work_dirs/smollm2_135m_elements/completions.sqlite'
sampling = dict(document_for_chosen=True)
