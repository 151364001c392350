"""Small random BERTs that classify, for tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = 'Tin is a metal . It melts at 505 K 12 ? ! What when the an old wall and so on not'
SPECIAL = ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]')


def tiny_bert(
    folder: Path, kind: str, labels: Sequence[str], family: str = 'Bert', **overrides: Any
) -> Path:
    """Write a random model with a word-level tokenizer as an HF folder.

    Args:
        folder: where.
        kind: what it classifies, ``Sequence`` or ``Token``.
        labels: names of its classes.
        family: ``Bert``, or another that `transformers` has with the same fields, as ``Roberta``.
        **overrides: fields of the model's config.
    """
    import torch
    import transformers

    folder.mkdir(parents=True)
    vocabulary = [*SPECIAL, *dict.fromkeys(re.findall(r'\S', WORDS.casefold())), *_pieces()]
    (folder / 'vocab.txt').write_text('\n'.join(dict.fromkeys(vocabulary)))
    tokenizer = transformers.BertTokenizerFast(str(folder / 'vocab.txt'))
    shape: dict[str, Any] = {
        'hidden_size': 32,
        'num_hidden_layers': 2,
        'num_attention_heads': 2,
        'intermediate_size': 64,
        'max_position_embeddings': 64,
    }
    config = getattr(transformers, f'{family}Config')(
        vocab_size=len(tokenizer),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        initializer_range=0.5,  # so that its verdicts differ
        **{**shape, **overrides},
    )
    torch.manual_seed(0)
    getattr(transformers, f'{family}For{kind}Classification')(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _pieces() -> list[str]:
    """Whole words, and what other words are put together from."""
    letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
    return [*WORDS.casefold().split(), *letters, *(f'##{letter}' for letter in letters)]
