"""Preference pairs with a sentence mask, as `tools/sample_and_annotate.py` writes them.

The tokenizer is the config's own `tokenizer` (see MaskDPOTrainLoop). Pairs in any other place:
`--cfg-options train_dataloader.dataset.dataset.path=...`.
"""

train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        type='build_mask_preference_dataset',
        dataset=dict(type='load_preference_pairs', path='pairs.jsonl'),
        dataset_map_fn='sentence_mask_map_fn',
        max_length=1024,
        end_of_turn='always',
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='mask_preference_collate_fn'),
)
