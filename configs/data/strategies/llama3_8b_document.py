"""Table 3, "Llama+Doc": the document is in the prompt of what may be chosen, and only there."""

_base_ = ['../llama3_8b_anah.py']

work_dir = 'work_dirs/llama3_8b_document'
# The answers without the document, and the verdicts on them, are those of the base.
store = 'work_dirs/llama3_8b_anah/completions.sqlite'
sampling = dict(document_for_chosen=True)
