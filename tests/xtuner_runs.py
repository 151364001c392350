"""Real runs of XTuner's command line on this machine's CPU, with small models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.xtuner_cli import run_xtuner
from tests.models import tiny_llama
from tests.preference_pairs import released_pair
from tests.tokenizers import tokenizer_folder

ROOT = Path(__file__).parents[1]


def small_training(folder: Path, pairs: int) -> list[str]:
    """Give options by which a config trains a small model in the folder on so many pairs."""
    model = tiny_llama(folder / 'model', tokenizer_folder('llama3'))
    lines = [json.dumps(released_pair(question=f'What is element {i}?')) for i in range(pairs)]
    (folder / 'pairs.jsonl').write_text('\n'.join(lines))
    return [
        *(f'{key}.pretrained_model_name_or_path={model}' for key in ('model.llm', 'tokenizer')),
        f'train_dataloader.dataset.dataset.path={folder / "pairs.jsonl"}',
    ]


@dataclass(frozen=True)
class XTunerRuns:
    """Runs of one config with the model, its tokenizer and the pairs replaced, and nothing else.

    Attributes:
        config: path below the root of the repository.
        model: folder of a model with its tokenizer.
        pairs: file of preference pairs.
        folder: where work directories, logs and the cache of `datasets` go.
    """

    config: str
    model: Path
    pairs: Path
    folder: Path

    def train(
        self, name: str, last_iteration: int, *arguments: str | Path, processes: int = 1
    ) -> Path:
        """Train to the end in the work directory ``name``; returns the last checkpoint.

        ``arguments`` stand before the ``--cfg-options`` (with which they may end).
        """
        checkpoint = self.folder / name / f'iter_{last_iteration}.pth'
        data = f'train_dataloader.dataset.dataset.path={self.pairs}'
        command: list[str | Path] = ['train', self.config, '--work-dir', self.folder / name]
        command += ['--cfg-options', *self._model_options(), data]
        self._run([*command, *arguments], checkpoint, processes)
        return checkpoint

    def convert(self, checkpoint: Path, *options: str, weights: str = 'model.safetensors') -> Path:
        """Run ``xtuner convert pth_to_hf`` in fp32; returns the folder of the model.

        ``options`` are those of the training; ``weights`` is the file that must appear.
        """
        folder = checkpoint.with_suffix('.hf')
        command: list[str | Path] = [
            'convert',
            'pth_to_hf',
            self.config,
            checkpoint,
            folder,
            '--fp32',
            '--safe-serialization',
        ]
        command += ['--cfg-options', *self._model_options(), *options]
        self._run(command, folder / weights)
        return folder

    def _model_options(self) -> list[str]:
        keys = ('model.llm', 'tokenizer')
        return [f'{key}.pretrained_model_name_or_path={self.model}' for key in keys]

    def _run(self, command: Sequence[str | Path], expect: Path, processes: int = 1) -> None:
        env = {
            'NPROC_PER_NODE': str(processes),
            'OMP_NUM_THREADS': '1',
            'HF_DATASETS_CACHE': str(self.folder / 'datasets_cache'),
            'HF_HUB_OFFLINE': '1',
        }
        run_xtuner(command, expect, env=env, cwd=ROOT)
