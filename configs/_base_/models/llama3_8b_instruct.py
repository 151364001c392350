"""Llama-3.1-8B-Instruct, full fine-tuning. Another folder: give both paths by --cfg-options."""

_path = 'meta-llama/Llama-3.1-8B-Instruct'

tokenizer = dict(
    type='transformers.AutoTokenizer.from_pretrained',
    pretrained_model_name_or_path=_path,
    padding_side='right',
)

model = dict(
    type='MaskDPO',
    loss_type='sigmoid',
    beta=0.1,
    llm=dict(
        type='transformers.AutoModelForCausalLM.from_pretrained',
        pretrained_model_name_or_path=_path,
        # As published; DeepSpeed keeps fp32 master weights beside it.
        torch_dtype='torch.bfloat16',
    ),
)
