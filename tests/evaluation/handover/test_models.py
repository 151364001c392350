"""Models of a hand-over are read from a command line, and what cannot be meant is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.handover.models import HandedModel, read_model, read_models


def test_a_hub_name_stays_and_a_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('hf').mkdir()
    assert read_model('base=org/model') == HandedModel(name='base', model='org/model')
    assert read_model('aligned=hf').model == str(tmp_path / 'hf')


def test_an_adapter_stands_over_its_base(tmp_path: Path) -> None:
    read = read_model(f'lora=org/model,adapter={tmp_path}')
    assert (read.model, read.adapter) == ('org/model', str(tmp_path))


def test_a_folder_with_an_adapter_alone_is_one_over_the_base_that_it_names(tmp_path: Path) -> None:
    config = '{"base_model_name_or_path": "org/model"}'
    (tmp_path / 'adapter_config.json').write_text(config)
    read = read_model(f'lora={tmp_path}')
    assert (read.model, read.adapter) == ('org/model', str(tmp_path))
    assert read_model(f'lora=org/other,adapter={tmp_path}').model == 'org/other'


def test_a_served_model_keeps_the_name_it_is_served_under_though_a_folder_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('aligned').mkdir()
    read = read_model('a=aligned,url=http://127.0.0.1:23333/v1')
    assert (read.model, read.counted_with) == ('aligned', 'aligned')
    assert read_model('a=x,url=http://h/v1,tokenizer=org/model').counted_with == 'org/model'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('base', "'base' is not NAME=MODEL"),
        ('base=', 'is not NAME=MODEL'),
        ('a=b,adapter', 'is not NAME=MODEL'),
        ('a=b,lora=c', 'there is no lora='),
        ('a/b=c', "the name 'a/b' may have letters"),
        ('a=b,adapter=c,url=http://h/v1', 'a server has its adapters under names of their own'),
        ('a=b,tokenizer=c', 'tokenizer= is for served models'),
        ('a=b,url=h:80/v1', 'is no http'),
        ('a=b,url=http://h/v1/', 'without end slash'),
        ('a=./nothing', 'there is no folder ./nothing'),
        ('a=work_dirs/aligned/hf', 'there is no folder work_dirs/aligned/hf'),
        ('a=b,adapter=/nothing', 'there is no folder /nothing'),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_model(text)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'base' stands twice"):
        read_models(['base=a', 'base=b'])
