"""A file of pairs or questions split into parts, each a file; nothing is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.forms.reading import read_pair
from maskdpo_xtuner.jsonl import RecordError, read_objects, read_question
from maskdpo_xtuner.pipeline.questions import tested_questions
from maskdpo_xtuner.settings import Settings
from maskdpo_xtuner.subsets import Asked, SubsetChoice, SubsetSettings
from maskdpo_xtuner.subsets.asked import asked_of
from maskdpo_xtuner.subsets.choosing import Chosen, choose

_SUBSET: TypeAdapter[Any] = TypeAdapter(SubsetChoice)
_dump = json.JSONEncoder(ensure_ascii=False, separators=(',', ':')).encode


class Line(NamedTuple):
    """A line of the source: where it stands, what it says, which question it is of."""

    number: int
    value: Mapping[str, Any]
    asked: Asked


def split_file(
    source: Path, subset: SubsetSettings, out: Path, config: Settings | None
) -> tuple[Chosen, dict[Path, int]]:
    """Write the parts of a file, and ``split.json``, which says what is where and by what.

    Args:
        source: pairs in any form, or questions, as JSON lines; a work dir stands for its pairs.
        subset: how to split; all parts are written.
        out: folder of the files; ``1/3`` is ``1_of_3.jsonl``.
        config: whose questions are split and whose test set is looked at, so that the parts are
            those of a run of it with this subset. None: the topics that the file has are split.

    Returns:
        What was chosen, and the lines of each file.

    Raises:
        ValueError: for lines without a topic, or of a question that the config does not have, and
            for what `choose` refuses.
    """
    path = source / 'pairs.jsonl' if source.is_dir() else source
    lines = list(_read(path))
    asked = list({line.asked.key: line.asked for line in lines}.values())
    folder = out
    if config is not None:
        asked = asked_of(config.questions.load())
        _refuse_unknown(path, lines, {each.key for each in asked})
        folder = config.store_path.parent
    chosen = choose(subset, asked, tested_questions(subset, config), folder)
    return chosen, _write(chosen, lines, out)


def read_subset(kind: str, values: Mapping[str, Any]) -> SubsetSettings:
    """Read settings as they stand on a command line; ``a.b`` is ``b`` of ``a``.

    Raises:
        ValueError: naming the key.
    """
    nested: dict[str, Any] = {'type': kind}
    for key, value in values.items():
        *place, last = key.split('.')
        inner = nested
        for name in place:
            inner = inner.setdefault(name, {})
        inner[last] = value
    try:
        found: SubsetSettings = _SUBSET.validate_python(nested)
    except ValidationError as error:
        said = (f'{".".join(map(str, d["loc"])) or kind}: {d["msg"]}' for d in error.errors())
        raise ValueError('; '.join(said)) from error
    return found


def _read(path: Path) -> Iterator[Line]:
    for number, value in read_objects(path):
        if 'question' in value:
            (asked,) = asked_of([read_question(value, path, number)])
        else:
            pair, _ = read_pair(value, path, number)
            prompt = pair.prompt[-1].content
            if not pair.topic:
                raise RecordError(path, number, 'field "topic" is missing; add it')
            asked = Asked(pair.question_id or prompt, prompt, pair.topic)
        yield Line(number, value, asked)


def _refuse_unknown(path: Path, lines: Sequence[Line], known: set[str]) -> None:
    for line in lines:
        if line.asked.key not in known:
            problem = f'the question {line.asked.key} is none of the config; name its own'
            raise RecordError(path, line.number, problem)


def _write(chosen: Chosen, lines: Sequence[Line], out: Path) -> dict[Path, int]:
    counts = {}
    with ExitStack() as stack:
        for part, keys in chosen.made.parts.items():
            path = out / f'{part.replace("/", "_of_")}.jsonl'
            file = stack.enter_context(atomic_writer(path))
            wanted = set(keys)
            kept = [_dump(line.value) + '\n' for line in lines if line.asked.key in wanted]
            file.writelines(kept)
            counts[path] = len(kept)
    chosen.write(out / 'split.json')
    return counts
