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
    # The pairs of a step are those of an ordinary shuffle; ranks get equally many tokens.
    sampler=dict(type='LengthBalancedSampler', shuffle=True),
    # All of them leave the loss as it is; see the function.
    collate_fn=dict(type='mask_preference_collate_fn', pack=True, share_prompt=True, cut_tail=True),
)
