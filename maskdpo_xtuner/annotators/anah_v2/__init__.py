"""ANAH-v2: a fine-tuned model asked about one sentence in a dialogue of up to three turns."""

from maskdpo_xtuner.annotators.anah_v2.annotator import AnahV2Annotator
from maskdpo_xtuner.annotators.anah_v2.context import Context
from maskdpo_xtuner.annotators.anah_v2.dialogue import DialogueSettings
from maskdpo_xtuner.annotators.anah_v2.prompts import (
    Prompts,
    own_prompts,
    read_prompts,
    write_prompts,
)
from maskdpo_xtuner.annotators.anah_v2.upstream import read_official_prompts

__all__ = [
    'AnahV2Annotator',
    'Context',
    'DialogueSettings',
    'Prompts',
    'own_prompts',
    'read_official_prompts',
    'read_prompts',
    'write_prompts',
]
