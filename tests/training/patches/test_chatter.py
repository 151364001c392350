from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mmengine.logging import MMLogger

import maskdpo_xtuner.training  # noqa: F401


def test_pages_of_mmengine_are_in_the_file_and_not_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'log.txt'
    logger = MMLogger.get_instance('chatter', log_file=str(file), logger_name='chatter')
    logger.info('Config:\nmodel = 1')
    logger.info('Hooks will be executed in the following order:\n...')
    logger.info('Iter(train) [1/3]')
    logger.warning('"FileClient" will be deprecated in future')
    logger.warning('Config:\nis not what it was')
    printed = ''.join(capsys.readouterr())
    written = file.read_text()
    assert 'Iter(train)' in printed
    assert 'is not what it was' in printed
    assert not [text for text in ('Config:\nmodel', 'Hooks', 'FileClient') if text in printed]
    everything = ('Config:\nmodel', 'Hooks', 'Iter(train)', 'FileClient', 'is not what it was')
    assert all(text in written for text in everything)


def test_deepspeed_says_no_more_than_warnings() -> None:
    assert not logging.getLogger('DeepSpeed').isEnabledFor(logging.INFO)
