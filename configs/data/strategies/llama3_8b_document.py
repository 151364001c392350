"""Table 3, "Llama+Doc": the document is in the prompt of what may be chosen, and only there."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_document'
sampling = dict(document_for_chosen=True)
