"""Mask-DPO of Llama-3.1-8B-Instruct with QLoRA (4 bits) on one GPU of 24 GB; not of the paper."""

_base_ = ['llama3_8b_maskdpo_lora.py']

_bits = dict(load_in_4bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True)
_quantization = dict(
    type='transformers.BitsAndBytesConfig', bnb_4bit_compute_dtype='torch.bfloat16', **_bits
)
model = dict(llm=dict(quantization_config=_quantization), use_activation_checkpointing='auto')
