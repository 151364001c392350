"""Small, Table 7: the demo's recipe from the model that XTuner's SFT made."""

_base_ = ['../../smollm2_135m_maskdpo.py']

_sft = 'work_dirs/paper/smollm2_135m_xtuner_sft/seed_1/hf'
tokenizer = dict(pretrained_model_name_or_path=_sft)
model = dict(llm=dict(pretrained_model_name_or_path=_sft))
