"""Llama-3.1-8B before instruction tuning, for XTuner's SFT, with the Instruct model's template."""

# The tokens are the same; the base model has no template of its own.
tokenizer = dict(
    type='transformers.AutoTokenizer.from_pretrained',
    pretrained_model_name_or_path='meta-llama/Llama-3.1-8B-Instruct',
    padding_side='right',
)

model = dict(
    type='xtuner.model.SupervisedFinetune',
    llm=dict(
        type='transformers.AutoModelForCausalLM.from_pretrained',
        pretrained_model_name_or_path='meta-llama/Llama-3.1-8B',
        torch_dtype='torch.bfloat16',
    ),
)
