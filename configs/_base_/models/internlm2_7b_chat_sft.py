"""InternLM2-Chat-7B-SFT, full fine-tuning. Another folder: give both paths by --cfg-options."""

_path = 'internlm/internlm2-chat-7b-sft'

tokenizer = dict(
    type='transformers.AutoTokenizer.from_pretrained',
    pretrained_model_name_or_path=_path,
    padding_side='right',
    # InternLM2's code is in its repository and not in transformers.
    trust_remote_code=True,
)

model = dict(
    type='MaskDPO',
    loss_type='sigmoid',
    beta=0.1,
    llm=dict(
        type='transformers.AutoModelForCausalLM.from_pretrained',
        pretrained_model_name_or_path=_path,
        trust_remote_code=True,
        torch_dtype='torch.bfloat16',
    ),
)
