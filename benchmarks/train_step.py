"""Optimizer steps of XTuner's DPO class, of MaskDPO and of TRL's DPOTrainer: time and memory.

Each side runs by its own command (`xtuner train`, a script with `DPOTrainer.train`) on the same
model, pairs, supervised tokens, dtype and optimizer. The pairs are one batch, trained on again
and again at a constant learning rate, so that losses and gradient norms of the steps after the
first have to agree: a side that computes something else is marked. Sides take turns, each run is
a process of its own, and the first step of a run is not counted.

    python benchmarks/train_step.py [--trl PYTHON] [--packages FOLDER] [--sides NAME ...]

PYTHON is the interpreter of an environment with TRL (see `trl_train.py`), FOLDER another lock that
was installed into it (``pip install --no-deps --target FOLDER -r LOCK``). Three kinds of pairs:
``questions`` with the question as the prompt and all response tokens supervised, ``sentences``
the same pairs under the sentence masks of Mask-DPO (the paper's case; TRL has no such masks), and
``documents`` with the reference before the question. "3 epochs" counts in what a side does before
the first step (the reference's pass, its model's loading included), "speed" does not. Memory is
that of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from process_memory import PeakMemory

from maskdpo_xtuner.builtin.elements import element_questions
from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.splitters import split_sentences
from maskdpo_xtuner.xtuner_cli import run_xtuner

ROOT = Path(__file__).parents[1]
LEARNING_RATE = 5e-6
SUPERVISED = 2 / 3  # of the sentences under sentence masks
TOLERANCE = 2e-3  # relative, of losses and gradient norms

XTUNER: dict[str, Any] = {
    'model': {'type': 'xtuner.model.dpo.DPO'},
    'train_dataloader': {
        'collate_fn': {
            '_delete_': True,
            'type': 'xtuner.dataset.collate_fns.preference_collate_fn.preference_collate_fn',
        }
    },
    # mmengine's own: ours read batches of MaskDPO.
    'default_hooks': {
        '_delete_': True,
        'logger': {'type': 'LoggerHook', 'log_metric_by_epoch': False, 'interval': 1},
        'checkpoint': None,
    },
}
NO_CHECKPOINTING: dict[str, Any] = {'model': {'use_activation_checkpointing': False}}
OFF: dict[str, dict[str, Any]] = {
    'logits': {'model': {'logits': {'supervised_only': False}}},
    'reference': {'model': {'reference': 'model'}},
    'pack': {'train_dataloader': {'collate_fn': {'pack': False}}},
    'share': {'train_dataloader': {'collate_fn': {'share_prompt': False}}},
    'cut': {'train_dataloader': {'collate_fn': {'cut_tail': False}}},
}
"""What turns each shortcut off."""


def merged(*settings: dict[str, Any]) -> dict[str, Any]:
    """Merge nested settings; later ones win."""
    result: dict[str, Any] = {}
    for one in settings:
        for key, value in one.items():
            old = result.get(key)
            if isinstance(value, dict) and isinstance(old, dict):
                value = merged(old, value)
            result[key] = value
    return result


SIDES: dict[str, dict[str, Any]] = {
    'XTuner': XTUNER,
    'XTuner, no checkpointing': merged(XTUNER, NO_CHECKPOINTING),
    'MaskDPO': {},
    'MaskDPO, half checkpointing': {'model': {'use_activation_checkpointing': 0.5}},
    'MaskDPO, no checkpointing': NO_CHECKPOINTING,
}
OTHER_PACKAGES = 'MaskDPO, other packages'
ABLATIONS: dict[str, dict[str, Any]] = {
    'MaskDPO, no shortcut': merged(*OFF.values()),
    **{
        f'MaskDPO, {name} alone': merged(*(off for other, off in OFF.items() if other != name))
        for name in OFF
    },
}
TRL_SIDES: dict[str, list[str]] = {
    'TRL': [],
    'TRL, precomputed': ['--precompute'],
    'TRL, precomputed, no checkpointing': ['--precompute', '--no-checkpointing'],
}


MAP_FUNCTIONS = {
    'questions': 'response_mask_map_fn',
    'sentences': 'sentence_mask_map_fn',
    'documents': 'response_mask_map_fn',
}
"""What is supervised in each kind of pairs."""


@dataclass
class Run:
    """What one run of a side gave.

    Attributes:
        seconds: of each step but the first.
        before: seconds for the reference's log-probabilities before the first step.
        trajectory: losses and gradient norms of the steps.
        memory: highest memory, bytes; of the GPU where there is one.
    """

    seconds: list[float]
    trajectory: list[float]
    memory: float
    before: float = 0.0


@dataclass
class Benchmark:
    """What all runs share."""

    model: str
    dtype: str
    steps: int
    trl: str | None
    packages: str | None
    work: Path
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def run(self, side: str, pairs: Path) -> None:
        """Run a side once and keep the result."""
        number = len(self.runs.setdefault(side, []))
        folder = self.work / f'{pairs.stem} {side} {number}'
        with PeakMemory(children=True) as peak:
            run = (self._trl if side in TRL_SIDES else self._xtuner)(side, pairs, folder)
        run.memory = run.memory or peak.bytes
        self.runs[side].append(run)

    def _xtuner(self, side: str, pairs: Path, folder: Path) -> Run:
        folder.mkdir()
        config = folder / 'config.py'
        config.write_text(self._config(side, pairs))
        # A cache of its own: what is computed once a data set counts in every run.
        env = {'HF_DATASETS_CACHE': str(folder / 'datasets')}
        if side == OTHER_PACKAGES:
            assert self.packages is not None
            path = os.environ.get('PYTHONPATH')
            env['PYTHONPATH'] = f'{self.packages}{os.pathsep}{path}' if path else self.packages
        run_xtuner(['train', config, '--work-dir', folder], config, log=folder / 'log', env=env)
        lines = [
            json.loads(line)
            for scalars in folder.glob('*/vis_data/scalars.json')
            for line in scalars.read_text().splitlines()
        ]
        if len(lines) < self.steps:
            raise RuntimeError(f'{side} stopped early:\n{(folder / "log").read_text()[-3000:]}')
        trajectory = [line[key] for key in ('loss', 'grad_norm') for line in lines]
        memory = max(line.get('memory', 0) for line in lines) * 2**20
        # Said twice, on the screen and in the log: one is enough.
        said = re.search(r'Reference .* pairs in ([\d.]+) s', (folder / 'log').read_text())
        before = float(said[1]) if said else 0.0
        return Run([line['time'] for line in lines[1:]], trajectory, memory, before)

    def _config(self, side: str, pairs: Path) -> str:
        """A config that inherits from the demo's: one batch an epoch, a constant learning rate."""
        count = len(pairs.read_text().splitlines())
        settings: dict[str, Any] = {
            '_base_': [str(ROOT / 'configs/smollm2_135m_maskdpo.py')],
            'tokenizer': {'pretrained_model_name_or_path': self.model},
            'model': {
                'llm': {
                    'pretrained_model_name_or_path': self.model,
                    'torch_dtype': f'torch.{self.dtype}',
                }
            },
            'train_dataloader': {
                'batch_size': count,
                'dataset': {
                    'dataset': {'path': str(pairs)},
                    'dataset_map_fn': MAP_FUNCTIONS[pairs.stem],
                    'max_length': 1024,
                    'end_of_turn': 'always',
                },
            },
            'optim_wrapper': {'optimizer': {'lr': LEARNING_RATE}},
            'param_scheduler': [],
            'train_cfg': {'max_epochs': self.steps},
            'default_hooks': {'checkpoint': None, 'logger': {'interval': 1}},
            'log_processor': {'window_size': 1},
        }
        settings = merged(settings, {**SIDES, **ABLATIONS, OTHER_PACKAGES: {}}[side])
        return ''.join(f'{key} = {value!r}\n' for key, value in settings.items())

    def _trl(self, side: str, pairs: Path, folder: Path) -> Run:
        assert self.trl is not None
        script = Path(__file__).with_name('trl_train.py')
        command = [self.trl, str(script), str(pairs), self.model, '--dtype', self.dtype]
        command += ['--steps', str(self.steps), '--lr', str(LEARNING_RATE), *TRL_SIDES[side]]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        trajectory = [*result['losses'], *result['grad_norms']]
        memory = result.get('memory', 0)
        return Run(result['seconds'][1:], trajectory, memory, result['before'])


def make_pairs(kind: str, count: int) -> Iterator[PreferencePair]:
    """Answers of sentences from the reference documents: about 120 tokens, or 250 to questions."""
    draw = random.Random(0)
    for question in draw.sample(element_questions('train'), count):
        document = question.document
        spans = split_sentences(document, 'en')
        fields: dict[str, Any] = {}
        for side, counts in (('chosen', 'no_hallucination'), ('rejected', 'hallucination')):
            sents: list[str] = []
            while sum(map(len, sents)) < (400 if kind == 'documents' else 900):
                start, end = draw.choice(spans)
                sents.append(document[start:end].strip())
            fields[side] = [{'role': 'assistant', 'content': ' '.join(sents)}]
            fields[f'{side}_item'] = {'sents': sents, 'type': _types(counts, len(sents))}
        content = question.question
        if kind == 'documents':
            content = f'{document}\n\n{content}'
        yield PreferencePair.model_validate(
            {'prompt': [{'role': 'user', 'content': content}], **fields}
        )


def _types(supervised: str, count: int) -> list[str]:
    """Label sentences so that a share of them is supervised, spread over the answer."""
    (other,) = {'hallucination', 'no_hallucination'} - {supervised}
    draw = random.Random(count)
    return [supervised if draw.random() < SUPERVISED else other for _ in range(count)]


def report(kind: str, runs: dict[str, list[Run]]) -> None:
    """Print one line for each side, with the first one as the measure.

    "from" and "to" are the shortest and the longest step.
    """
    head = f'{"s/step":>8} {"from":>7} {"to":>7} {"speed":>7}'
    head += f' {"3 epochs":>9} {"GiB":>7} {"memory":>7}'
    print(f'\n{kind:35} {head}  same numbers')
    first = next(iter(runs.values()))
    base = _seconds(first), _three_epochs(first), _memory(first)
    for side, found in runs.items():
        pairs = zip(found[0].trajectory, first[0].trajectory, strict=True)
        worst = max(abs(a - b) / abs(b) for a, b in pairs)
        verdict = 'yes' if worst < TOLERANCE else f'NO: {worst:.1%} apart'
        print(
            f'{side:35} {_seconds(found):8.2f} {_seconds(found, min):7.2f} '
            f'{_seconds(found, max):7.2f} {base[0] / _seconds(found):6.2f}x '
            f'{base[1] / _three_epochs(found):8.2f}x '
            f'{_memory(found) / 2**30:7.2f} {_memory(found) / base[2]:6.2f}x  {verdict}'
        )


def _seconds(runs: list[Run], which: Callable[[list[float]], float] = median) -> float:
    return which([seconds for run in runs for seconds in run.seconds])


def _three_epochs(runs: list[Run]) -> float:
    """Seconds for one batch in a run of three epochs, with its share of the reference's pass."""
    return median(run.before for run in runs) + 3 * _seconds(runs)


def _memory(runs: list[Run]) -> float:
    return median(run.memory for run in runs)


def main() -> None:
    """Print one table for each kind of pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--trl', metavar='PYTHON', help='of the environment of TRL')
    parser.add_argument('--packages', metavar='FOLDER', help='of another lock')
    parser.add_argument('--model', help='default: the built-in model')
    parser.add_argument('--dtype', default='float32')
    parser.add_argument('--pairs', type=int, default=4)
    parser.add_argument('--steps', type=int, default=3, help='of a run; the first is not counted')
    parser.add_argument('--rounds', type=int, default=3, help='runs of each side')
    parser.add_argument('--kinds', nargs='+', choices=MAP_FUNCTIONS, default=[*MAP_FUNCTIONS])
    names = [*SIDES, *ABLATIONS, *TRL_SIDES, OTHER_PACKAGES]
    parser.add_argument('--sides', nargs='+', choices=names, metavar='SIDE', help='; '.join(names))
    options = parser.parse_args()
    others = [*(TRL_SIDES if options.trl else ()), *([OTHER_PACKAGES] if options.packages else ())]
    sides = options.sides or [*SIDES, *others]
    model = options.model or str(builtin_model())
    with tempfile.TemporaryDirectory() as work:
        for kind in options.kinds:
            pairs = Path(work) / f'{kind}.jsonl'
            write_records(pairs, make_pairs(kind, options.pairs))
            bench = Benchmark(
                model, options.dtype, options.steps, options.trl, options.packages, Path(work)
            )
            # TRL's trainer has no masks within a response.
            able = [side for side in sides if kind != 'sentences' or side not in TRL_SIDES]
            for _ in range(options.rounds):
                for side in able:
                    bench.run(side, pairs)
            report(kind, bench.runs)


if __name__ == '__main__':
    main()
