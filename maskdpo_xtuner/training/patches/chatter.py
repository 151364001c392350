"""A log that a person can read: what is long, or not about this training, stays out of it."""

from __future__ import annotations

import logging
import sys
from functools import wraps

import datasets
import transformers
from mmengine.logging import MMLogger

from maskdpo_xtuner.deprecations import keep_quiet_about_torch_dtype

LONG = ('Config:\n', 'Hooks will be executed', '\n-----')
"""How the messages of mmengine begin that are pages long."""
IN_VAIN = (
    *('"FileClient" will be deprecated', '"HardDiskBackend" is the alias'),
    *('Failed to search registry with scope', 'Dataset Dataset has no metainfo'),
)
"""How its warnings begin that are of every training: of old names within it, of what none needs."""


def keep_long_messages_in_files() -> None:
    """Leave out of what is printed what is pages long, and warnings that mean nothing here.

    Those are the config, the environment and the table of hooks. mmengine's log file in the work
    dir has all of them.
    """
    pass_on = MMLogger.callHandlers
    if hasattr(pass_on, '__wrapped__'):
        return

    @wraps(pass_on)
    def call_handlers(self: MMLogger, record: logging.LogRecord) -> None:
        if not _is_for_files(record):
            pass_on(self, record)
            return
        for handler in self.handlers:
            if isinstance(handler, logging.FileHandler) and record.levelno >= handler.level:
                handler.handle(record)

    MMLogger.callHandlers = call_handlers


def _is_for_files(record: logging.LogRecord) -> bool:
    text = str(record.msg)
    is_long = record.levelno <= logging.INFO and text.startswith(LONG)
    return is_long or text.startswith(IN_VAIN)


def quiet_libraries() -> None:
    """Hear of warnings alone from DeepSpeed, and of no progress where it would fill a file.

    And nothing of names in configs that transformers has others for by now.
    """
    keep_quiet_about_torch_dtype()
    logging.getLogger('DeepSpeed').setLevel(logging.WARNING)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        transformers.utils.logging.disable_progress_bar()
