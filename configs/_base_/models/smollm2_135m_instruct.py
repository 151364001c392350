"""The built-in model; `python -m maskdpo_xtuner.builtin.model` makes its folder."""

# Being there, this keeps mmengine from taking the file for one of its lazy configs.
_base_ = []

from maskdpo_xtuner.builtin.model import NAME as _NAME  # noqa: E402
from maskdpo_xtuner.builtin.wheels import cache_dir  # noqa: E402

_path = str(cache_dir() / 'models' / _NAME)

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
        torch_dtype='torch.float32',
    ),
)
