"""Every Python block of README.md and docs/: configs load, and what scripts import is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdpo_xtuner.config_files import config_names, know_our_bases
from maskdpo_xtuner.settings import load_settings
from tests.documentation.blocks import PAGES, ROOT, Block, blocks
from tests.documentation.programs import names_in

PYTHON = [block for page in PAGES for block in blocks(page) if block.language == 'python']
TRAINING = {'model', 'train_dataloader', 'train_cfg', 'optim_wrapper', 'tokenizer'}
DATA = "_base_ = 'maskdpo_xtuner::_base_/sampling.py'\nwork_dir = 'w'\n"
PROMPT = '{{ question }} {{ document }} {{ sentence }} {{ labels }}'
QUESTIONS = "questions = dict(type='jsonl', path='q.jsonl')\n"


def assigned(block: Block) -> set[str] | None:
    """Names that a config sets; None for a block that is more than a config."""
    body = ast.parse(block.text).body
    if not all(isinstance(node, ast.Assign) for node in body):
        return None
    return {
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def config_of(block: Block, names: set[str]) -> str:
    """A whole config: bases where they lie, and what the page leaves to the reader."""
    if '_base_' in names:
        return re.sub(r"'(?:[./\w]*/)?([\w.]+\.py)'", _base, block.text)
    if TRAINING & names:
        return f"_base_ = 'maskdpo_xtuner::llama3_8b_maskdpo.py'\n{block.text}"
    if '_delete_' in block.text:
        return f"_base_ = 'maskdpo_xtuner::llama3_8b_anah.py'\n{block.text}"
    return DATA + ('' if 'questions' in names else QUESTIONS) + block.text


def _base(found: re.Match[str]) -> str:
    name = Path(found[1]).stem
    if name in config_names():
        return f"'{config_names()[name]}'"
    path = ROOT / 'configs' / found[0].strip("'")
    return f"'{path}'" if path.is_file() else found[0]


@pytest.mark.parametrize('block', PYTHON, ids=str)
def test_a_block_loads(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile(block.text, str(block), 'exec')
    names = assigned(block)
    if names is None:
        check_imports(block.text)
    elif block.needs is None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(str(ROOT / 'docs' / 'examples' / 'judge'))
        for file in re.findall(r"'([\w.]+\.(?:j2|jsonl|db))'", block.text):
            (tmp_path / file).write_text(PROMPT if "'llm'" in block.text else '{{ document }}')
        path = tmp_path / 'config.py'
        path.write_text(config_of(block, names))
        load(path, names)


def load(path: Path, names: set[str]) -> None:
    from mmengine.config import Config

    know_our_bases(Config)
    config = Config.fromfile(path, import_custom_modules=False)
    if not {'train_dataloader', 'rounds'} & config.keys():
        load_settings(path)
    assert names - {name for name in names if name[0] == '_'} <= config.keys()


def check_imports(code: str) -> None:
    """Whether every name that is imported from the package, or taken from it, is there."""
    for module, name in _imported(ast.parse(code)):
        assert name in names_in(module), f'{module} has no {name}'


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('maskdpo_xtuner'):
            yield from ((str(node.module), alias.name) for alias in node.names)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == 'mask_dpo'
        ):
            yield 'maskdpo_xtuner', node.attr


def test_an_import_that_is_not_there_is_found() -> None:
    with pytest.raises(AssertionError, match='maskdpo_xtuner.pairing has no make_pear'):
        check_imports('from maskdpo_xtuner.pairing import make_pear')
    with pytest.raises(AssertionError, match='maskdpo_xtuner has no evaluate_all'):
        check_imports('import maskdpo_xtuner as mask_dpo\nmask_dpo.evaluate_all()')


def test_the_page_of_the_interface_names_what_there_is() -> None:
    page = (ROOT / 'docs' / 'api.md').read_text(encoding='utf-8')
    shown = re.findall(r'^::: (maskdpo_xtuner[\w.]*)\.(\w+)$', page, re.M)
    assert len(shown) > 20
    for module, name in shown:
        assert name in names_in(module), f'{module} has no {name}'
