"""Mask-DPO (ICLR 2025) as a plugin of XTuner and LMDeploy.

What a script or a notebook needs, under one name; the modules of these are imported when they are
used, so that ``import maskdpo_xtuner`` takes no time:

    import maskdpo_xtuner as mask_dpo

    settings = mask_dpo.load_settings('smollm2_135m_elements', work_dir='work')
    print(mask_dpo.run_pipeline(settings).report(settings.work_dir))
    pairs = list(mask_dpo.read_records('work/pairs.jsonl', mask_dpo.PreferencePair))

| name | gives |
|---|---|
| `load_settings` | the `Settings` that a data config says |
| `run_pipeline`, `pair_anew` | the files of a work dir, pairs among them; pairs by other rules |
| `evaluate` | models judged on questions, and which is better |
| `read_records`, `write_records` | JSON lines as records: `Question`, `AnnotatedResponse`, ... |
| `make_pairs` | the `PreferencePair`s of the annotated answers to a question |
| `mask_response`, `token_mask` | which tokens of a labelled response are supervised |
| `build_objective`, `register_loss` | a loss by its name, and one of your own |
| `config_file` | the path of a config of this package, for `_base_` |
| `need_transformers` | nothing, or an error where a config's model is newer than transformers |
| `ENGINES`, `ANNOTATORS`, `QUESTIONS`, `SPLITTERS` | registries of what pairs are made by |
| `PAIRINGS`, `LOSSES`, `METRICS` | registries of rules of pairs, losses, metrics |

Functions that ask models run where an event loop runs already (a notebook), which waits for them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskdpo_xtuner.config_files import config_file, need_transformers
    from maskdpo_xtuner.evaluation.run import evaluate
    from maskdpo_xtuner.jsonl import read_records, write_records
    from maskdpo_xtuner.masking import mask_response, token_mask
    from maskdpo_xtuner.objectives import build_objective, register_loss
    from maskdpo_xtuner.pairing import make_pairs
    from maskdpo_xtuner.pipeline.pairing_anew import pair_anew
    from maskdpo_xtuner.pipeline.run import run_pipeline
    from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question
    from maskdpo_xtuner.registry import (
        ANNOTATORS,
        ENGINES,
        LOSSES,
        METRICS,
        PAIRINGS,
        QUESTIONS,
        SPLITTERS,
    )
    from maskdpo_xtuner.settings import Settings, load_settings

__version__ = '0.2.0'
_MODULES = {
    'config_files': ('config_file', 'need_transformers'),
    'evaluation.run': ('evaluate',),
    'jsonl': ('read_records', 'write_records'),
    'masking': ('mask_response', 'token_mask'),
    'objectives': ('build_objective', 'register_loss'),
    'pairing': ('make_pairs',),
    'pipeline.pairing_anew': ('pair_anew',),
    'pipeline.run': ('run_pipeline',),
    'records': ('AnnotatedResponse', 'PreferencePair', 'Question'),
    'registry': (
        *('ANNOTATORS', 'ENGINES', 'LOSSES', 'METRICS', 'PAIRINGS', 'QUESTIONS', 'SPLITTERS'),
    ),
    'settings': ('Settings', 'load_settings'),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    'ANNOTATORS',
    'AnnotatedResponse',
    'ENGINES',
    'LOSSES',
    'METRICS',
    'PAIRINGS',
    'PreferencePair',
    'QUESTIONS',
    'Question',
    'SPLITTERS',
    'Settings',
    'build_objective',
    'config_file',
    'evaluate',
    'load_settings',
    'make_pairs',
    'mask_response',
    'need_transformers',
    'pair_anew',
    'read_records',
    'register_loss',
    'run_pipeline',
    'token_mask',
    'write_records',
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
