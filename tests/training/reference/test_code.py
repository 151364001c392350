"""Which code counts for reference log-probabilities."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from maskdpo_xtuner.batches.collate import mask_preference_collate_fn
from maskdpo_xtuner.training.reference import code
from maskdpo_xtuner.training.reference.code import ROOT, code_digest, file_of, source_files

COMPUTING = ROOT / 'training' / 'reference' / 'computing.py'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in which `entry` imports `used`, which imports what `rooms` gives."""
    root = tmp_path / 'maskdpo_xtuner'
    (root / 'rooms').mkdir(parents=True)
    (root / '__init__.py').touch()
    (root / 'entry.py').write_text('import torch\nfrom maskdpo_xtuner.used import f\n')
    (root / 'used.py').write_text('def f():\n    from maskdpo_xtuner.rooms import name\n')
    (root / 'rooms' / '__init__.py').write_text('from maskdpo_xtuner.rooms import inner\n')
    (root / 'rooms' / 'inner.py').write_text('import maskdpo_xtuner.entry\n')
    (root / 'unused.py').write_text('from maskdpo_xtuner.used import f\n')
    monkeypatch.setattr(code, 'ROOT', root)
    return root


def test_imports_are_followed_to_the_end(package: Path) -> None:
    found = {str(path.relative_to(package)) for path in source_files([package / 'entry.py'])}
    assert found == {'entry.py', 'used.py', 'rooms/__init__.py', 'rooms/inner.py'}


@pytest.mark.parametrize(('name', 'counts'), [('rooms/inner.py', True), ('unused.py', False)])
def test_the_digest_is_that_of_what_is_imported(package: Path, name: str, counts: bool) -> None:
    before = code_digest([package / 'entry.py'])
    with (package / name).open('a') as file:
        file.write('# changed\n')
    assert (code_digest([package / 'entry.py']) != before) == counts


def test_the_reference_pass_stands_on_batches_and_models_and_on_no_loss_or_hook() -> None:
    files = source_files([COMPUTING, file_of(partial(mask_preference_collate_fn, pack=True))])
    found = {str(path.relative_to(ROOT)) for path in files}
    assert {
        *(f'modeling/{name}.py' for name in ('attention', 'flash', 'forward', 'heads')),
        *(f'batches/{name}.py' for name in ('collate', 'layouts', 'responses')),
        *('objectives/logps.py', 'objectives/chunks.py', 'training/reference/precision.py'),
    } <= found
    others = ('training/loops.py', 'training/model.py', 'objectives/losses.py')
    assert not found & {*others, 'training/monitoring/hooks.py', 'modeling/recomputation.py'}


class _Collate:
    def __call__(self, items: object) -> None: ...


def test_a_collate_function_of_ones_own_is_found_in_its_file() -> None:
    assert file_of(_Collate()) == Path(__file__)
