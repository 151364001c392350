"""What transformers says of its old names, which nobody need read who does not write them."""

from __future__ import annotations

import logging

OLD_NAME = '`torch_dtype`'
LOGGERS = ('transformers.modeling_utils', 'transformers.configuration_utils')


def keep_quiet_about_torch_dtype() -> None:
    """Leave out that ``torch_dtype`` is called ``dtype`` now.

    transformers says so from 4.56 on at every loading of a model. The old name is the one that 4.48
    knows, too, and that XTuner 0.2.0 writes itself.
    """
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_says_something_else)


def _says_something_else(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(f'{OLD_NAME} is deprecated')
