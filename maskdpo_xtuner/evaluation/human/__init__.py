"""Labels that people gave, in the forms in which they are published, and how well judges meet them.

A form of your own: a function like `Reader` in your file, registered in
`maskdpo_xtuner.registry.HUMAN_LABELS`, or named as ``module.NAME`` or ``path/to/file.py:NAME``.
"""

from __future__ import annotations

from maskdpo_xtuner.evaluation.human.anah import read_anah
from maskdpo_xtuner.evaluation.human.forms import HumanResponse, Reader, read_records_form
from maskdpo_xtuner.evaluation.human.marks import read_marks
from maskdpo_xtuner.evaluation.human.ragtruth import read_ragtruth
from maskdpo_xtuner.registry import HUMAN_LABELS

__all__ = ['HumanResponse', 'Reader']

HUMAN_LABELS.register_module('records', module=read_records_form)
HUMAN_LABELS.register_module('anah', module=read_anah)
HUMAN_LABELS.register_module('ragtruth', module=read_ragtruth)
HUMAN_LABELS.register_module('marks', module=read_marks)
