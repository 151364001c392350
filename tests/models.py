"""Small random models for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.thinking_templates import QWEN3

SHAPE: dict[str, Any] = {
    'hidden_size': 32,
    'intermediate_size': 64,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'max_position_embeddings': 2048,
    'tie_word_embeddings': True,
}


def tiny_llama(folder: Path, tokenizer_folder: Path, **overrides: Any) -> Path:
    """Write a random Llama-shaped model with the given tokenizer as an HF folder.

    ``overrides`` are fields of `transformers.LlamaConfig`; the vocabulary follows the tokenizer.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    return _random_model('llama', folder, tokenizer, **overrides)


def tiny_qwen3(folder: Path, tokenizer_folder: Path) -> Path:
    """Write a random model of the shape of Qwen3, with its template, as an HF folder."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.chat_template = QWEN3
    return _random_model('qwen3', folder, tokenizer, head_dim=8)


def _random_model(kind: str, folder: Path, tokenizer: Any, **overrides: Any) -> Path:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **{**SHAPE, **overrides},
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)
