"""Table 2, "w/o mask": plain DPO on the same pairs."""

_base_ = ['../llama3_8b_maskdpo.py']

train_dataloader = dict(dataset=dict(dataset_map_fn='response_mask_map_fn'))
