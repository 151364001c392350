"""Table 8, SePO: without a reference model, on tokens that `tools/select_tokens.py` selected."""

_base_ = ['../llama3_8b_maskdpo.py']

model = dict(loss_type='sepo', beta=1.0)
train_dataloader = dict(dataset=dict(dataset=dict(path='pairs_sepo.jsonl'), end_of_turn='never'))
