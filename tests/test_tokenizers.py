"""The test tokenizers are the published ones: ids against the reference libraries."""

from pathlib import Path

import pytest
import sentencepiece
import tiktoken
from tiktoken.load import load_tiktoken_bpe

from tests.tokenizers import (
    LLAMA3_PATTERN,
    QWEN_PATTERN,
    TOKENIZERS,
    llama3_file,
    load_tokenizer,
    mistral_file,
    qwen_file,
)

TEXT = "It's 12345 m² -- naïve cafés,  two blanks\n\n中文，测试。 🎉 x_1 = {}\t;"
CONVERSATION = [{'role': 'user', 'content': 'Who?'}, {'role': 'assistant', 'content': 'Marie.'}]


def tiktoken_ids(path: Path, pattern: str) -> list[int]:
    ranks = load_tiktoken_bpe(str(path))
    encoding = tiktoken.Encoding(
        'reference', pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )
    found: list[int] = encoding.encode(TEXT)
    return found


def ids(name: str) -> list[int]:
    found: list[int] = load_tokenizer(name)(TEXT, add_special_tokens=False)['input_ids']
    return found


def test_llama3_gives_the_ids_of_tiktoken() -> None:
    assert ids('llama3') == tiktoken_ids(llama3_file(), LLAMA3_PATTERN)


def test_qwen_gives_the_ids_of_tiktoken() -> None:
    assert ids('qwen') == tiktoken_ids(qwen_file(), QWEN_PATTERN)


def test_mistral_gives_the_ids_of_sentencepiece() -> None:
    reference = sentencepiece.SentencePieceProcessor(str(mistral_file()))
    assert ids('mistral') == reference.encode(TEXT)


@pytest.mark.parametrize('name', TOKENIZERS)
def test_decoding_gives_the_text_back(name: str) -> None:
    # Sentencepiece adds a blank of its own before the text.
    assert load_tokenizer(name).decode(ids(name)).removeprefix(' ') == TEXT


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        (
            'smollm2',
            '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging '
            'Face<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nMarie.'
            '<|im_end|>\n',
        ),
        (
            'llama3',
            '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge '
            'Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user'
            '<|end_header_id|>\n\nWho?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n'
            'Marie.<|eot_id|>',
        ),
        (
            'qwen',
            '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nWho?'
            '<|im_end|>\n<|im_start|>assistant\nMarie.<|im_end|>\n',
        ),
        ('mistral', '<s>[INST] Who?[/INST] Marie.</s>'),
    ],
)
def test_chat_template_renders_as_published(name: str, expected: str) -> None:
    assert load_tokenizer(name).apply_chat_template(CONVERSATION, tokenize=False) == expected
