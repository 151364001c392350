"""The built-in model for XTuner's own SFT; `smollm2_135m_instruct.py` is for Mask-DPO."""

_base_ = ['./smollm2_135m_instruct.py']

model = dict(_delete_=True, type='xtuner.model.SupervisedFinetune', llm={{_base_.model.llm}})
