"""The printer of what a training config trains on, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mmengine.registry import DATASETS
from transformers import AutoTokenizer

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.training.data.configured import data_config, load_training_config
from tests.preference_pairs import CORRECT, WRONG, released_pair
from tests.reports.pages import parse_page
from tests.tokenizers import tokenizer_folder
from tools import inspect_pairs
from tools.show_masks import main

ROOT = Path(__file__).parents[2]
CONFIG = """
custom_imports = dict(imports=['maskdpo_xtuner.training'], allow_failed_imports=False)
tokenizer = dict(
    type='transformers.AutoTokenizer.from_pretrained',
    pretrained_model_name_or_path={tokenizer!r},
)
model = dict(type='MaskDPO')
train_dataloader = dict(
    dataset=dict(
        type='build_mask_preference_dataset',
        dataset=dict(type='load_preference_pairs', path={pairs!r}),
        max_length=512,
        end_of_turn='never',
    )
)
"""
DATA = 'train_dataloader.dataset'
DEMO = 'smollm2_135m_maskdpo'


def write(path: Path, *pairs: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(''.join(json.dumps(pair) + '\n' for pair in pairs))
    return str(path)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, 'HF_DATASETS_CACHE', tmp_path / 'cache')


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    """Four pairs, of which the second and the fourth are not trained on."""
    bad = released_pair(chosen=(WRONG,))
    return write(tmp_path / 'run' / 'pairs.jsonl', released_pair(), bad, released_pair(), bad)


@pytest.fixture
def config(tmp_path: Path, pairs: str) -> str:
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(tokenizer=str(tokenizer_folder('llama3')), pairs=pairs))
    return str(path)


def dots(text: str) -> str:
    return text.replace(' ', '·')


def error_of(*argv: str) -> str:
    with pytest.raises(SystemExit) as caught:
        run_tool(lambda: main(argv))
    assert isinstance(caught.value.code, str)
    return caught.value.code


def test_shows_the_masks_and_the_drops_of_the_data_set(
    config: str, pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([config])
    out = capsys.readouterr().out
    assert out.count('=== ') == 3
    assert f'=== 0: {pairs}:1\n--- chosen: ' in out
    assert f'=== 1: {pairs}:2: not trained on: chosen: no sentence to supervise\n' in out
    assert out.count(f'⟦{dots(CORRECT)}⟧ {WRONG}<|eot_id|>') == 2
    assert out.count(f'⟦{dots(WRONG)}⟧ {CORRECT}<|eot_id|>') == 3
    assert '2 of 4 pairs are trained on; dropped: chosen: no sentence to supervise (2)' in out
    assert out.endswith('max_length=512, end_of_turn=never\n')


@pytest.mark.parametrize(
    ('options', 'shown'),
    [
        ([f'{DATA}.end_of_turn=always'], f'⟦{dots(CORRECT)}⟧ {WRONG}⟦<|eot_id|>⟧'),
        (
            [f'{DATA}.dataset_map_fn=response_mask_map_fn'],
            f'⟦{dots(CORRECT)}·{dots(WRONG)}⟧<|eot_id|>',
        ),
        ([f'{DATA}.max_length=30'], '0 of 30 tokens supervised'),
    ],
)
def test_settings_given_as_for_the_training_are_followed(
    config: str, options: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([config, '--index', '0', '--cfg-options', *options])
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize('map_fn', ['sentence_mask_map_fn', 'response_mask_map_fn'])
def test_the_demos_config_shows_as_many_tokens_as_its_data_set_has(
    tmp_path: Path, pairs: str, map_fn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(ROOT / 'configs/smollm2_135m_maskdpo.py')
    folder = tokenizer_folder('smollm2')
    options = [
        f'tokenizer.pretrained_model_name_or_path={folder}',
        f'{DATA}.dataset_map_fn={map_fn}',
        f'{DATA}.dataset.path={pairs}',
    ]
    main([config, '--num', '9', '--cfg-options', *options])
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith('--- ')]
    trained_on = DATASETS.build(data_config(load_training_config(config, options)))
    kept = [0, 2] if map_fn == 'sentence_mask_map_fn' else [0, 1, 2, 3]
    expected = [
        f'--- {side}: {sum(label != -100 for label in item[f"{side}_labels"])} of '
        f'{len(item[f"{side}_ids"])} tokens supervised'
        for item in trained_on
        for side in ('chosen', 'rejected')
    ]
    assert [shown[2 * index + side] for index in kept for side in (0, 1)] == expected


def test_names_of_our_configs_and_modules_beside_a_config_are_known(
    tmp_path: Path, pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'own_map_fn.py').write_text(
        'from maskdpo_xtuner.masking import response_mask_map_fn as whole\n'
    )
    config = tmp_path / 'own.py'
    config.write_text(
        "_base_ = 'maskdpo_xtuner::smollm2_135m_maskdpo'\n"
        "train_dataloader = dict(dataset=dict(dataset_map_fn='own_map_fn.whole'))\n"
    )
    options = [f'tokenizer.pretrained_model_name_or_path={tokenizer_folder("smollm2")}']
    for name, shown in ((str(config), f'⟦{dots(CORRECT)}·{dots(WRONG)}⟧'), (DEMO, dots(CORRECT))):
        main([name, '--pairs', pairs, '--num', '1', '--cfg-options', *options])
        assert shown in capsys.readouterr().out


def test_other_pairs_and_some_of_them_can_be_asked_for(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / 'other' / 'pairs.jsonl', *[released_pair()] * 3)
    main([config, '--pairs', str(tmp_path / 'other'), '--index', '2', '0'])
    headers = [line for line in capsys.readouterr().out.splitlines() if line.startswith('===')]
    assert headers == [f'=== 2: {other}:3', f'=== 0: {other}:1']


def test_a_loss_on_the_chosen_alone_shows_no_rejected(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([config, '--cfg-options', 'model.loss_type=sft'])
    out = capsys.readouterr().out
    assert '--- chosen' in out
    assert '--- rejected' not in out


def test_colours_are_for_terminals_and_can_be_asked_for(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([config, '--color', '--num', '1'])
    assert f'\x1b[32m{dots(CORRECT)}\x1b[0m {WRONG}' in capsys.readouterr().out
    main([config, '--no-color', '--num', '1'])
    assert '\x1b' not in capsys.readouterr().out


def test_what_stands_in_the_data_cannot_steer_the_terminal(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty = released_pair(question='\x1b]0;title\x07 \x1b[2J', chosen=(CORRECT, '\x1b[31mred\r'))
    main([config, '--pairs', write(tmp_path / 'nasty.jsonl', nasty)])
    out = capsys.readouterr().out
    assert '\\x1b]0;title\\x07 \\x1b[2J' in out
    assert not set(out) & set('\x1b\x07\r')


def test_names_of_a_hub_are_as_good_as_folders(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load, names = AutoTokenizer.from_pretrained, []

    def from_hub(pretrained_model_name_or_path: str, **kwargs: Any) -> Any:
        names.append(pretrained_model_name_or_path)
        return load(str(tokenizer_folder('qwen')), **kwargs)

    monkeypatch.setattr(AutoTokenizer, 'from_pretrained', from_hub)
    main([config, '--cfg-options', 'tokenizer.pretrained_model_name_or_path=org/model'])
    assert names == ['org/model']
    assert f'⟦{dots(CORRECT)}⟧ {WRONG}<|im_end|>' in capsys.readouterr().out


def test_the_page_of_pairs_shows_the_same_masks(config: str, pairs: str, tmp_path: Path) -> None:
    inspect_pairs.main([pairs, '--training', config, '--out', str(tmp_path / 'page.html')])
    page = parse_page((tmp_path / 'page.html').read_text(encoding='utf-8'))
    marked = [
        ''.join(token.text for token in mask.find('span', 'on'))
        for mask in page.find('template', 'token-mask')
    ]
    assert marked == [CORRECT, WRONG, '', WRONG] * 2
    assert page.text.count('not trained on: chosen: no sentence to supervise') == 2


def test_wrong_input_ends_in_one_line(config: str, pairs: str, tmp_path: Path) -> None:
    data = str(ROOT / 'configs/data/smollm2_135m_elements.py')
    empty = tmp_path / 'empty.py'
    empty.write_text('train_dataloader = dict(dataset=dict())\n')
    assert 'this is not a training config' in error_of(pairs)
    assert 'there is no such config' in error_of('nowhere.py')
    assert 'has no train_dataloader' in error_of(data)
    assert 'names no tokenizer' in error_of(str(empty))
    assert 'KEY=VALUE' in error_of(config, '--cfg-options', 'nonsense')
    assert '--num must be 1 or more' in error_of(config, '--num', '-1')
    assert 'the data set has the pairs 0 to 3' in error_of(config, '--index', '4')
    assert 'nowhere.jsonl' in error_of(config, '--pairs', 'nowhere.jsonl')


def test_a_bad_pair_is_named_by_file_and_line(config: str, tmp_path: Path) -> None:
    bad = released_pair(chosen_item={'sents': ['Not there.'], 'type': ['hallucination']})
    path = write(tmp_path / 'bad.jsonl', released_pair(), bad)
    assert f'{path}:2: chosen_item.sents[0] is not' in error_of(config, '--pairs', path)


def test_it_runs_by_itself_on_a_terminal_of_ascii_and_into_a_pipe_that_closes(config: str) -> None:
    command = f'set -o pipefail; "{sys.executable}" tools/show_masks.py "{config}" | head -n 3'
    environment = {**os.environ, 'PYTHONIOENCODING': 'ascii', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        ['bash', '-c', command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr
    assert done.stdout.splitlines()[0].startswith('=== 0: ')
    assert done.stdout.isascii()
