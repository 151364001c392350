"""Mask-DPO of Gemma-3-12B-it, its text model alone; not of the paper. Needs transformers 4.51."""

_base_ = ['llama3_8b_maskdpo.py']
__import__('maskdpo_xtuner').need_transformers('4.51', 'Gemma 3')
_path, _text_model = 'google/gemma-3-12b-it', 'transformers.Gemma3ForCausalLM.from_pretrained'
tokenizer = dict(pretrained_model_name_or_path=_path)
model = dict(llm=dict(type=_text_model, pretrained_model_name_or_path=_path))
