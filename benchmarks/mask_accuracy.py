"""Token masks against a check that knows only the tokens' bytes, and the cost of making them.

The check writes the tokens of a rendering as bytes one after the other, finds the response in
them and applies the rule of the mask character by character; it shares nothing with the package.
Beside ours stands the way of counting: each sentence tokenized alone, lengths added up from the
first token of the response.

    python benchmarks/mask_accuracy.py [PAIRS.jsonl] [--tokenizers FOLDER ...] [--sizes 8046 ...]

Without a file the pairs are made of the built-in questions' documents.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from transformers import AutoTokenizer

from maskdpo_xtuner.builtin.elements import element_questions
from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.masking import LabelledResponse, Side, mask_batch, supervised_spans
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.splitters import split_sentences

SENTENCEPIECE_BLANK = '\u2581'
# GPT-2's byte alphabet: printable Latin-1 stands for itself, the rest is counted up from 256.
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
OTHERS = [byte for byte in range(256) if byte not in PRINTABLE]
BYTE_OF = {chr(byte): byte for byte in PRINTABLE}
BYTE_OF |= {chr(256 + index): byte for index, byte in enumerate(OTHERS)}


@dataclass
class Counts:
    """Tokens over a file; the last two are wrong ones of the way of counting."""

    responses: int = 0
    unchecked: int = 0
    tokens: int = 0
    wrong: int = 0
    wrong_stripped: int = 0
    wrong_exact: int = 0


def synthetic_pairs(count: int) -> Iterator[PreferencePair]:
    """Pairs of answers of 3 to 12 sentences of the documents, labelled at random."""
    draw = random.Random(0)
    questions = element_questions('train')
    sentences = [
        [question.document[start:end] for start, end in split_sentences(question.document, 'en')]
        for question in questions
    ]
    for _ in range(count):
        number = draw.randrange(len(questions))
        sides: dict[str, Any] = {}
        for side in get_args(Side):
            sents = draw.choices(sentences[number], k=draw.randint(3, 12))
            sides[side] = [{'role': 'assistant', 'content': ''.join(sents)}]
            sides[f'{side}_item'] = _item(sents, draw)
        prompt = [{'role': 'user', 'content': questions[number].question}]
        yield PreferencePair.model_validate({'prompt': prompt, **sides})


def _item(sents: Sequence[str], draw: random.Random) -> dict[str, Any]:
    ends = [sum(map(len, sents[: index + 1])) for index in range(len(sents))]
    return {
        'sents': [sent.strip() for sent in sents],
        'type': [draw.choice(('hallucination', 'no_hallucination')) for _ in sents],
        'spans': list(zip([0, *ends], ends, strict=False)),
    }


class Bytes:
    """The bytes that tokens stand for, from their names in the vocabulary."""

    def __init__(self, tokenizer: Any) -> None:
        self._names = tokenizer.convert_ids_to_tokens
        self._added = tokenizer.get_added_vocab()
        self._byte_level = 'ByteLevel' in tokenizer.backend_tokenizer.to_str()

    def __call__(self, ids: Sequence[int]) -> list[bytes]:
        """One string of bytes for each id."""
        return [self._of(name) for name in self._names(ids)]

    def _of(self, name: str) -> bytes:
        if name in self._added:
            return name.encode()
        if self._byte_level:
            return bytes(BYTE_OF[character] for character in name)
        byte = re.fullmatch(r'<0x([0-9A-F]{2})>', name)
        return bytes.fromhex(byte[1]) if byte else name.replace(SENTENCEPIECE_BLANK, ' ').encode()


def expected_mask(
    text: str, pieces: Sequence[bytes], begin: int, end: int, flags: Sequence[bool]
) -> list[bool] | None:
    """The rule of the mask for the response ``text[begin:end]``; ``flags`` are by character.

    Returns:
        None when the tokens do not spell the text, as under a tokenizer that composes characters.
    """
    if b''.join(pieces) != text.encode():
        return None
    owner = [index for index, character in enumerate(text) for _ in character.encode()]
    mask, position = [], 0
    for piece in pieces:
        held = owner[position : position + len(piece)]
        position += len(piece)
        solid = [index for index in held if not text[index].isspace()]
        deciding = solid[0] if solid else _before(text, begin, held[0])
        touches = held[-1] >= begin and held[0] < end
        mask.append(touches and begin <= deciding < end and flags[deciding - begin])
    return mask


def counted_mask(
    tokenizer: Any, sents: Sequence[str], weights: Sequence[float], start: int, length: int
) -> list[bool]:
    """The mask that the lengths of the sentences give, one token after the other."""
    mask = [False] * start
    for sent, weight in zip(sents, weights, strict=True):
        mask += [weight != 0] * len(tokenizer(sent, add_special_tokens=False)['input_ids'])
    return [*mask[:length], *[False] * (length - len(mask))]


def _before(text: str, begin: int, position: int) -> int:
    """The last character of ``text[begin:position]`` that is not blank; else the next one."""
    solid = len(text[begin:position].rstrip())
    return begin + solid - 1 if solid else max(position, begin)


def labelled_responses(pairs: Iterable[PreferencePair]) -> Iterator[LabelledResponse]:
    """Both sides of each pair in turn."""
    for pair in pairs:
        prompt = [turn.model_dump() for turn in pair.prompt]
        for side in get_args(Side):
            (message,) = getattr(pair, side)
            spans = supervised_spans(side, message.content, getattr(pair, f'{side}_item'))
            yield LabelledResponse(prompt, message.content, *spans)


def check(
    tokenizer: Any, spell: Bytes, item: LabelledResponse, mask: Sequence[bool], counts: Counts
) -> None:
    """Compare the masks of one response; the end-of-turn token is left out."""
    turns = [*item.prompt, {'role': 'assistant', 'content': item.response}]
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    # Some templates trim the response; what they leave is found from the end.
    body = item.response if item.response in text else item.response.strip()
    begin, trimmed = text.rindex(body), item.response.index(body)
    flags = [False] * len(item.response)
    for (start, end), weight in zip(item.spans, item.weights, strict=True):
        flags[start:end] = [weight != 0] * (end - start)
    pieces = spell(tokenizer.apply_chat_template(turns))
    expected = expected_mask(text, pieces, begin, begin + len(body), flags[trimmed:])
    counts.responses += 1
    if expected is None:
        counts.unchecked += 1
        return
    first = len(tokenizer.apply_chat_template(item.prompt, add_generation_prompt=True))
    counts.tokens += len(expected) - first
    counts.wrong += _differences(expected, mask)
    exact = [item.response[start:end] for start, end in item.spans]
    counted = counted_mask(tokenizer, exact, item.weights, first, len(expected))
    counts.wrong_exact += _differences(expected, counted)
    stripped = [sent.strip() for sent in exact]
    counted = counted_mask(tokenizer, stripped, item.weights, first, len(expected))
    counts.wrong_stripped += _differences(expected, counted)


def _differences(expected: Sequence[bool], found: Sequence[bool]) -> int:
    return sum(a != b for a, b in zip(expected, found, strict=True))


def report_masks(pairs: Sequence[PreferencePair], folders: Sequence[str]) -> None:
    """Print one line for each tokenizer."""
    columns = ('responses', 'unchecked', 'tokens', 'ours', 'counted', 'counted exact')
    print(f'{"tokenizer":28} ' + ' '.join(f'{name:>13}' for name in columns))
    for folder in folders:
        tokenizer, counts = AutoTokenizer.from_pretrained(folder), Counts()
        spell = Bytes(tokenizer)
        items = list(labelled_responses(pairs))
        masked = mask_batch(tokenizer, items, 'never')
        for item, ours in zip(items, masked, strict=True):
            check(tokenizer, spell, item, ours.mask, counts)
        shares = (counts.wrong_stripped / counts.tokens, counts.wrong_exact / counts.tokens)
        numbers = (counts.responses, counts.unchecked, counts.tokens, counts.wrong)
        cells = [f'{number:13,}' for number in numbers] + [f'{share:13.1%}' for share in shares]
        print(f'{Path(folder).name:28} ' + ' '.join(cells), flush=True)


def report_builds(sizes: Sequence[int], folder: str) -> None:
    """Print one line for each number of synthetic pairs, each built in a process of its own."""
    columns = ('tokens', 'seconds', 'tokens/s', 'MiB before', 'MiB peak')
    print(f'{"pairs":>9} ' + ' '.join(f'{name:>12}' for name in columns))
    script = Path(__file__).with_name('dataset_build.py')
    for size in sizes:
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / 'pairs.jsonl'
            write_records(path, synthetic_pairs(size))
            command = [sys.executable, str(script), str(path), folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        built = json.loads(done.stdout.splitlines()[-1])
        rate = built['tokens'] / built['seconds']
        memory = f'{built["before"] / 2**20:12,.0f} {built["peak"] / 2**20:12,.0f}'
        print(
            f'{built["pairs"]:9,} {built["tokens"]:12,} {built["seconds"]:12.1f} {rate:12,.0f} '
            f'{memory}',
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('pairs', nargs='?', help='preference pairs, JSON lines')
    parser.add_argument('--tokenizers', nargs='+', metavar='FOLDER', help='default: built-in model')
    parser.add_argument(
        '--sizes', nargs='*', type=int, default=[8046, 200_000], help='of data sets'
    )
    options = parser.parse_args()
    folders = options.tokenizers or [str(builtin_model())]
    pairs = read_records(options.pairs, PreferencePair) if options.pairs else synthetic_pairs(500)
    report_masks(list(pairs), folders)
    report_builds(options.sizes, folders[0])


if __name__ == '__main__':
    main()
