"""Tokenized pairs to the rows that a model reads; every layout gives the same numbers."""

from maskdpo_xtuner.batches.collate import mask_preference_collate_fn

__all__ = ['mask_preference_collate_fn']
