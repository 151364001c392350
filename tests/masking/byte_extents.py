"""An independent check of masks: token extents from the tokens' bytes, never from offsets.

The tokens of a rendering, written as bytes one after the other, have to give the rendered text
again; where a token's bytes lie in it says which characters it holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

# What stands after a response in the four templates, and the token that ends the turn.
SUFFIXES = {
    'smollm2': ('<|im_end|>\n', '<|im_end|>'),
    'llama3': ('<|eot_id|>', '<|eot_id|>'),
    'qwen': ('<|im_end|>\n', '<|im_end|>'),
    'mistral': ('</s>', '</s>'),
}

# GPT-2's byte alphabet: printable Latin-1 stands for itself, the rest is counted up from 256.
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
OTHERS = [byte for byte in range(256) if byte not in PRINTABLE]
BYTE_OF = {chr(byte): byte for byte in PRINTABLE}
BYTE_OF |= {chr(256 + index): byte for index, byte in enumerate(OTHERS)}


@dataclass(frozen=True)
class Conversation:
    """Rendered text, the range of the response in it, and the characters of each token."""

    text: str
    response_start: int
    response_end: int
    trimmed: int
    token_characters: list[list[int]]


def read_conversation(
    name: str, tokenizer: PreTrainedTokenizerFast, prompt: list[dict[str, str]], response: str
) -> Conversation:
    """Render and tokenize with the tokenizer's own method and recover the extents from bytes."""
    turns = [*prompt, {'role': 'assistant', 'content': response}]
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer.apply_chat_template(turns))
    token_bytes = [piece_bytes(name, piece, tokenizer) for piece in pieces]
    body = response.strip() if name == 'llama3' else response
    end = len(text) - len(SUFFIXES[name][0])
    start = end - len(body)
    assert text[start:end] == body
    trimmed = response.index(body)
    return Conversation(text, start, end, trimmed, characters_of(token_bytes, text, name == 'qwen'))


def piece_bytes(name: str, piece: str, tokenizer: PreTrainedTokenizerFast) -> bytes:
    if piece in tokenizer.get_added_vocab():
        return piece.encode()
    if name != 'mistral':
        return bytes(BYTE_OF[character] for character in piece)
    byte = re.fullmatch(r'<0x([0-9A-F]{2})>', piece)
    return bytes.fromhex(byte[1]) if byte else piece.replace('▁', ' ').encode()


def characters_of(token_bytes: Sequence[bytes], text: str, composed: bool) -> list[list[int]]:
    """Characters of ``text`` that each token holds, wholly or in part.

    ``composed`` is for a tokenizer that composes the text (NFC) first: what is composed out of
    several characters counts as its first.
    """
    origin: list[int] = []
    written = b''
    for begin, end in clusters(text) if composed else [(i, i + 1) for i in range(len(text))]:
        part = unicodedata.normalize('NFC', text[begin:end]) if composed else text[begin:end]
        written += part.encode()
        origin += [begin] * len(part.encode())
    assert b''.join(token_bytes) == written
    characters = []
    position = 0
    for piece in token_bytes:
        characters.append(sorted(set(origin[position : position + len(piece)])))
        position += len(piece)
    return characters


def clusters(text: str) -> list[tuple[int, int]]:
    """The smallest pieces of a text that compose (NFC) each on its own."""
    borders = [0]
    for position in range(1, len(text)):
        around = text[borders[-1] : position + 8]
        cut = position - borders[-1]
        parts = (
            unicodedata.normalize('NFC', around[:cut]),
            unicodedata.normalize('NFC', around[cut:]),
        )
        if ''.join(parts) == unicodedata.normalize('NFC', around):
            borders.append(position)
    return list(zip(borders, [*borders[1:], len(text)], strict=True))


def expected_mask(
    name: str,
    conversation: Conversation,
    spans: Sequence[tuple[int, int]],
    supervised: Sequence[bool],
    end_of_turn: bool,
) -> list[bool]:
    """The rule of the mask, character by character."""
    text, begin = conversation.text, conversation.response_start
    flags = [False] * len(text)
    for (start, end), flag in zip(spans, supervised, strict=True):
        for position in range(start, end):
            place = position - conversation.trimmed + begin
            if begin <= place < conversation.response_end:
                flags[place] = flag
    mask = [_expected(conversation, held, flags) for held in conversation.token_characters]
    end_token = len(text) - len(SUFFIXES[name][0])
    for index, held in enumerate(conversation.token_characters):
        if held[0] == end_token and end_of_turn:
            mask[index] = True
    return mask


def _expected(conversation: Conversation, held: list[int], flags: list[bool]) -> bool:
    text, begin = conversation.text, conversation.response_start
    in_response = [place for place in held if begin <= place < conversation.response_end]
    if not in_response:
        return False
    solid = [place for place in held if not text[place].isspace()]
    if solid:
        return flags[solid[0]]
    place = held[0]
    while place > begin:
        place -= 1
        if not text[place].isspace():
            return flags[place]
    return flags[in_response[0]]
