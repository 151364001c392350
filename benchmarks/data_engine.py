"""What the data engine makes of a serving engine, and what it costs itself.

    python benchmarks/data_engine.py served      one request in flight against ours, over HTTP
    python benchmarks/data_engine.py overhead    our side alone; the engine answers at once
    python benchmarks/data_engine.py full [--scale 0.02]      the paper's size, killed and resumed
    python benchmarks/data_engine.py needed [--scale 0.02]    the same, of what the pairs need
    python benchmarks/data_engine.py coalescing [RESPONSES]   requests that equal ones save

There is no model in it: `stand_in_annotator` answers for both. Everything else is what
``tools/sample_and_annotate.py`` runs: ANAH-v2's dialogue in our own words, the openai engine, the
store on disk, the stages of the pipeline. Each measurement runs in a process of its own, whose peak
memory (resident, code included) is part of the table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from served_engine import served_engine
from stand_in_annotator import (
    AskedDirectly,
    InstantEngine,
    annotator_of,
    answer_of,
    question_of,
)

from maskdpo_xtuner.annotators.base import Dialogue
from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.completions import Accounting, CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.openai import OpenAIEngine
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pairing import PairRules
from maskdpo_xtuner.pipeline.run import annotate_stage, pair_stage, sample_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.records import Response, Sentence
from maskdpo_xtuner.settings import SamplingSettings

PAPERS_QUESTIONS, PAPERS_ANSWERS = 8046, 32
CONCURRENCY = 128


def groups_of(answers: Iterable[tuple[int, str]]) -> Iterator[Sequence[Dialogue]]:
    """The dialogues about the sentences of answers, given with the numbers of their questions."""
    annotator = annotator_of(builtin_model())
    for number, text in answers:
        question = question_of(number)
        response = Response(
            question_id=question.question_id, sample_index=0, seed=1, text=text, model='m',
            finish_reason='stop', prompt_tokens=0, completion_tokens=0,
        )  # fmt: skip
        yield annotator.annotate(question, response)


def run_dialogues(
    engine: Engine, groups: Iterable[Sequence[Dialogue]], store: Path
) -> tuple[Accounting, float]:
    """Run them to their end over a store; gives the counts and the seconds."""
    groups = iter(groups)
    first = next(groups)  # Reads the tokenizer, which is no part of the work.
    with CompletionStore(store) as completions:
        scheduler: Scheduler[tuple[Sentence, ...]] = Scheduler(engine, completions)
        start = time.perf_counter()
        for _ in scheduler.run(_chain(first, groups)):
            pass
        seconds = time.perf_counter() - start
    counts = scheduler.accounting
    assert counts.pending == counts.failed == counts.refused == 0, counts.describe()
    return counts, seconds


def _chain(
    first: Sequence[Dialogue], rest: Iterable[Sequence[Dialogue]]
) -> Iterator[Sequence[Dialogue]]:
    yield first
    yield from rest


# -- what runs in a process of its own


def work_served(url: str, connections: int, answers: int) -> dict[str, float]:
    """Annotate answers over HTTP."""
    engine = OpenAIEngine('stand-in', [url], concurrency_per_endpoint=connections)
    texts = ((number // PAPERS_ANSWERS, answer_of(number)) for number in range(answers))
    with tempfile.TemporaryDirectory() as folder:
        counts, seconds = run_dialogues(engine, groups_of(texts), Path(folder) / 'store.sqlite')
    return {'rate': counts.asked / seconds}


def work_overhead(answers: int) -> dict[str, float]:
    """Annotate answers with an engine that answers at once."""
    texts = ((number // PAPERS_ANSWERS, answer_of(number)) for number in range(answers))
    with tempfile.TemporaryDirectory() as folder:
        counts, seconds = run_dialogues(
            InstantEngine(CONCURRENCY), groups_of(texts), Path(folder) / 'store.sqlite'
        )
        size = (Path(folder) / 'store.sqlite').stat().st_size
    return {'rate': counts.done / seconds, 'bytes': size / counts.done}


def work_full(
    folder: str,
    questions: int,
    die_after: int | None = None,
    least: int | None = None,
    needed: bool = False,
    directly: bool = False,
) -> dict[str, Any]:
    """All stages of the pipeline in a work dir; ``directly``: judged by no scheduler or store."""
    work_dir = Path(folder)
    asked = {question_of(number).question_id: question_of(number) for number in range(questions)}
    sampling = SamplingSettings(num_samples=PAPERS_ANSWERS)
    summary = Summary(questions=questions, samples=PAPERS_ANSWERS)
    policy = InstantEngine(CONCURRENCY, policy=True)
    engine = InstantEngine(CONCURRENCY, die_after=die_after, least=least)
    annotator = annotator_of(builtin_model())
    judge = (AskedDirectly(annotator, engine), None) if directly else (annotator, engine)
    rules = PairRules() if needed else None
    seconds = []
    with CompletionStore(work_dir / 'completions.sqlite') as store:
        stages: list[Callable[[], None]] = [
            lambda: sample_stage(work_dir, store, policy, asked, sampling, summary, quiet=True),
            lambda: annotate_stage(
                work_dir, store, judge, asked, summary, quiet=True, needed_by=rules
            ),
            lambda: pair_stage(work_dir, asked, PairRules(), summary),
        ]
        for stage in stages:
            start = time.perf_counter()
            stage()
            seconds.append(time.perf_counter() - start)
    counts = summary.turns
    return {
        'seconds': seconds,
        'sentences': summary.labels.total(),
        'turns': engine.turns.total() if directly else counts.expected,
        'stored': counts.stored,
        'asked': counts.asked,
        'complete': not (summary.missing or counts.pending or counts.failed or counts.refused),
        'pairs': hashlib.sha256((work_dir / 'pairs.jsonl').read_bytes()).hexdigest(),
    }


def work_coalescing(responses: str) -> dict[str, Any]:
    """Annotate answers of a file."""
    answers = read_records(responses, Response)
    # What a question says is of no matter here, only which answers are to the same one.
    numbers: dict[str, int] = {}
    texts = (
        (numbers.setdefault(answer.question_id, len(numbers)), answer.text)
        for answer in answers
        if answer.text.strip()
    )
    with tempfile.TemporaryDirectory() as folder:
        counts, _ = run_dialogues(
            InstantEngine(CONCURRENCY), groups_of(texts), Path(folder) / 'store.sqlite'
        )
    return {'expected': counts.expected, 'asked': counts.asked, 'on_its_way': counts.coalesced}


WORK = {work.__name__: work for work in (work_served, work_overhead, work_full, work_coalescing)}


@dataclass
class Measured:
    """What a process gave (None when it was killed), its seconds and its peak memory in MiB."""

    result: Any
    seconds: float
    memory: float


def measure(work: Callable[..., Any], **arguments: Any) -> Measured:
    """Run one piece of work in a new process."""
    command = [sys.executable, __file__, 'work', work.__name__, json.dumps(arguments)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, -9), f'{work.__name__} ended with {process.returncode}'
    result = json.loads(output) if process.returncode == 0 else None
    return Measured(result, time.perf_counter() - start, usage.ru_maxrss / 1024)


def kill_and_resume(die_after: int, **arguments: Any) -> tuple[Measured, Measured, int]:
    """Do the full work in two processes; gives also how many turns were asked twice."""
    killed = measure(work_full, **arguments, die_after=die_after)
    resumed = measure(work_full, **arguments)
    assert killed.result is None, 'the first run was to be killed'
    again = die_after + resumed.result['asked'] - resumed.result['turns']
    assert again <= 2 * CONCURRENCY, f'{again} turns were asked twice'
    return killed, resumed, again


# -- the tables


def show_served(args: argparse.Namespace) -> None:
    """One request in flight against ours, in turns; with more than the limit, some wait there."""
    sides = {1: 1, args.limit: args.answers, 2 * args.limit: args.answers}
    runs: dict[int, list[Measured]] = {connections: [] for connections in sides}
    with served_engine(args.limit, args.latency) as url:
        for _ in range(args.rounds):
            for connections, answers in sides.items():
                arguments = {'connections': connections, 'answers': answers}
                runs[connections].append(measure(work_served, url=url, **arguments))
    limit = args.limit / args.latency
    print(f'limit of the server: {limit:.0f} requests/s ({args.limit} at once, {args.latency} s)\n')
    print("| requests in flight | requests/s | share of the server's limit | peak memory, MiB |")
    print('|---|---|---|---|')
    for connections, of_side in runs.items():
        rate = median(run.result['rate'] for run in of_side)
        memory = max(run.memory for run in of_side)
        print(f'| {connections} | {rate:.1f} | {rate / limit:.3f} | {memory:.0f} |')


def show_overhead(args: argparse.Namespace) -> None:
    """Our side alone."""
    runs = [measure(work_overhead, answers=args.answers) for _ in range(args.rounds)]
    print('| turns/s, store included | bytes a turn in the store | peak memory, MiB |')
    print('|---|---|---|')
    rate, size = (median(run.result[name] for run in runs) for name in ('rate', 'bytes'))
    print(f'| {rate:.0f} | {size:.0f} | {max(run.memory for run in runs):.0f} |')


def show_full(args: argparse.Namespace) -> None:
    """The paper's size, killed in the middle of annotation and resumed."""
    questions = round(PAPERS_QUESTIONS * args.scale)
    # Of the five to seven million turns, about half.
    die_after = questions * PAPERS_ANSWERS * 12
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        killed, resumed, again = kill_and_resume(die_after, folder=folder, questions=questions)
        size = (Path(folder) / 'completions.sqlite').stat().st_size
    counts = resumed.result
    assert counts['complete'], counts
    print(
        f'{questions * PAPERS_ANSWERS} answers, {counts["sentences"]} sentences, '
        f'{counts["turns"]} turns; killed after {die_after} of them, {again} asked again; '
        f'store {size / 2**30:.2f} GiB\n'
    )
    print('| run | minutes | peak memory, MiB |')
    print('|---|---|---|')
    print(f'| until killed | {killed.seconds / 60:.1f} | {killed.memory:.0f} |')
    print(f'| resumed | {resumed.seconds / 60:.1f} | {resumed.memory:.0f} |')
    stages = ', '.join(f'{seconds / 60:.1f}' for seconds in counts['seconds'])
    print(f'\nresumed, minutes to sample, annotate, pair: {stages}')


def show_needed(args: argparse.Namespace) -> None:
    """What the pairs need of the paper's size, killed and resumed; then all the rest of it.

    The rest is asked in the same store, or, where only the pairs are to be compared, all is asked
    of the stand-in directly, at the same time.
    """
    questions = round(PAPERS_QUESTIONS * args.scale)
    die_after = questions * PAPERS_ANSWERS * 4
    given = {'questions': questions, 'least': args.least}
    with (
        tempfile.TemporaryDirectory(dir=args.dir) as folder,
        tempfile.TemporaryDirectory(dir=args.dir) as other,
        ThreadPoolExecutor() as pool,
    ):
        everything = {'folder': other, 'directly': True, **given}
        beside = pool.submit(measure, work_full, **everything) if args.directly else None
        killed, resumed, again = kill_and_resume(die_after, folder=folder, **given, needed=True)
        rest = beside.result() if beside else measure(work_full, folder=folder, **given)
    few, every = resumed.result, rest.result
    assert few['pairs'] == every['pairs'], 'the pairs differ'
    assert every['complete'], every
    if not args.directly:
        assert few['turns'] + every['asked'] == every['turns'], 'what was asked was asked again'
    print(
        f'{questions * PAPERS_ANSWERS} answers, {every["sentences"]} sentences, '
        f'{every["turns"]} turns; killed after {die_after}, {again} asked again\n'
    )
    print('| | turns | share | minutes | peak memory, MiB |')
    print('|---|---|---|---|---|')
    minutes = (killed.seconds + resumed.seconds) / 60
    memory = max(killed.memory, resumed.memory)
    share = few['turns'] / every['turns']
    print(f'| what the pairs need | {few["turns"]} | {share:.3f} | {minutes:.1f} | {memory:.0f} |')
    others, number = ('all, directly', 'turns') if args.directly else ('the rest', 'asked')
    print(f'| {others} | {every[number]} | | {rest.seconds / 60:.1f} | {rest.memory:.0f} |')
    print('\nthe pairs are the same, byte for byte')


def show_coalescing(args: argparse.Namespace) -> None:
    """Share of requests that equal ones save."""
    counts = measure(work_coalescing, responses=str(args.responses)).result
    saved = counts['expected'] - counts['asked']
    print('| turns | asked | saved | of these, equal to one on its way |')
    print('|---|---|---|---|')
    print(
        f'| {counts["expected"]} | {counts["asked"]} | {saved / counts["expected"]:.1%} '
        f'| {counts["on_its_way"]} |'
    )


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True, metavar='PART')
    served = parts.add_parser('served', help='one request in flight against ours')
    served.add_argument('--limit', type=int, default=128, help='requests that it works on at once')
    served.add_argument('--latency', type=float, default=1.0, help='seconds for each')
    served.add_argument('--answers', type=int, default=400)
    served.add_argument('--rounds', type=int, default=3)
    served.set_defaults(run=show_served)
    overhead = parts.add_parser('overhead', help='our side alone')
    overhead.add_argument('--answers', type=int, default=1000)
    overhead.add_argument('--rounds', type=int, default=3)
    overhead.set_defaults(run=show_overhead)
    full = parts.add_parser('full', help="the paper's size, killed and resumed")
    full.add_argument('--scale', type=float, default=1.0, help="share of the paper's questions")
    full.add_argument('--dir', help='where the work dir is made; needs 6 GB at full scale')
    full.set_defaults(run=show_full)
    needed = parts.add_parser('needed', help='the same, of what the pairs need')
    needed.add_argument('--scale', type=float, default=1.0, help="share of the paper's questions")
    needed.add_argument(
        '--least', type=int, help='smallest share of right sentences of an answer; all alike if not'
    )
    needed.add_argument(
        '--directly', action='store_true', help='compare with labels that no store was asked for'
    )
    needed.add_argument('--dir', help='where the work dir is made; needs 6 GB at full scale')
    needed.set_defaults(run=show_needed)
    coalescing = parts.add_parser('coalescing', help='requests that equal ones save')
    demo = 'work_dirs/smollm2_135m_elements/responses.jsonl'
    coalescing.add_argument('responses', type=Path, nargs='?', default=demo)
    coalescing.set_defaults(run=show_coalescing)
    work = parts.add_parser('work', help='what this script starts itself')
    work.add_argument('name', choices=WORK)
    work.add_argument('arguments', type=json.loads)
    work.set_defaults(run=lambda args: print(json.dumps(WORK[args.name](**args.arguments))))
    return parser.parse_args()


if __name__ == '__main__':
    arguments = parse_arguments()
    arguments.run(arguments)
