"""A small tokenizer with the chat template of InternLM2, as published in its tokenizer folder."""

from __future__ import annotations

import tempfile
from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.records import Message

TEMPLATE = (
    '{{ bos_token }}'
    '{% for turn in messages %}'
    '{{ "<|im_start|>" + turn.role + "\n" + turn.content + "<|im_end|>" + "\n" }}'
    '{% endfor %}'
    '{% if add_generation_prompt %}{{ "<|im_start|>assistant\n" }}{% endif %}'
)
SPECIAL = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>']
CORPUS = [
    'The element astatine was discovered at the university in the year of the war.',
    'Question that was asked: Sentence of the answer: Points of the document:',
]


@cache
def internlm2_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with few merges, so that a text has fewer tokens than bytes."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token='<s>',
        eos_token='<|im_end|>',
        unk_token='<unk>',
        chat_template=TEMPLATE,
    )


@cache
def internlm2_template() -> ChatTemplate:
    """The template of that tokenizer, read from a folder as a user's would be."""
    with tempfile.TemporaryDirectory() as folder:
        internlm2_tokenizer().save_pretrained(folder)
        template = ChatTemplate(folder)
        # The tokenizer is read when it is first asked: while its folder is there.
        template.render([Message(role='user', content='')])
        return template
