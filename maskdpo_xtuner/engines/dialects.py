"""Dialects of OpenAI's protocol: which fields a kind of server takes, and how it says what it is.

Read in the request models of LMDeploy 0.12 to 0.18, vLLM and SGLang (`protocol.py` of each). One of
your own: a `Dialect` registered in `maskdpo_xtuner.registry.DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from maskdpo_xtuner.engines.base import EngineRefusal, Sampling
from maskdpo_xtuner.engines.loaded import owners_of
from maskdpo_xtuner.registry import DIALECTS

AUTO = 'auto'


@dataclass(frozen=True)
class Dialect:
    """What a kind of server takes.

    Attributes:
        name: as messages give it.
        all_tokens: its ``top_k`` for no limit; None where it has no such field.
        further_fields: whether it takes ``min_p``, ``repetition_penalty``, ``ignore_eos`` and
            ``skip_special_tokens``, which else come from its own defaults.
        prompts: how a prompt that is rendered here goes in. ``text`` for a server that can be kept
            from adding a start token (by ``add_special_tokens``), or that sees one there; ``ids``
            for one that takes ids; None where a start token would be added unseen.
        template_kwargs: whether it takes ``chat_template_kwargs``.
        owned_by: how it names itself in its list of models; None where that is not its name.
    """

    name: str
    all_tokens: int | None
    further_fields: bool
    prompts: Literal['text', 'ids'] | None
    template_kwargs: bool
    owned_by: str | None = None

    def sampling_fields(self, sampling: Sampling, left_out: Collection[str] = ()) -> dict[str, Any]:
        """Give every field that decides on the sampling.

        What is not sent comes from the server: ``top_k`` 40, or the model's generation config.
        Sampling is always on where there is a ``top_k``; one candidate is greedy.

        Args:
            sampling: how to decode.
            left_out: fields that the user sets or leaves out.

        Raises:
            EngineRefusal: for a ``top_k`` that cannot be said.
        """
        greedy = sampling.temperature == 0
        fields = {
            'max_tokens': sampling.max_new_tokens,
            'temperature': sampling.temperature,
            'top_p': 1.0 if greedy else sampling.top_p,
            'presence_penalty': 0.0,
            'frequency_penalty': 0.0,
        }
        if self.all_tokens is not None:
            fields['temperature'] = 1.0 if greedy else sampling.temperature
            fields['top_k'] = 1 if greedy else sampling.top_k or self.all_tokens
        elif sampling.top_k and not greedy and 'top_k' not in left_out:
            raise EngineRefusal(
                f'servers of the dialect "{self.name}" take no top_k, and top_k={sampling.top_k} '
                'is asked for: set it to 0, or accept their own by extra_body=dict(top_k=None)'
            )
        if self.further_fields:
            fields |= {'min_p': 0.0, 'repetition_penalty': 1.0}
            fields |= {'ignore_eos': False, 'skip_special_tokens': True}
        return fields


LMDEPLOY = Dialect('lmdeploy', 0, True, 'text', True, 'lmdeploy')
VLLM = Dialect('vllm', 0, True, 'text', True, 'vllm')
# 0 is no top_k there; a text gets the start token of the tokenizer, without a field against it.
SGLANG = Dialect('sglang', -1, True, 'ids', True, 'sglang')
# What OpenAI documents, and no more: it refuses fields that it does not know.
OPENAI = Dialect('openai', None, False, None, False)
# One that does not say what it is: it gets what most take.
UNKNOWN = Dialect('unknown', 0, True, 'text', False)

for _dialect in (LMDEPLOY, VLLM, SGLANG, OPENAI):
    DIALECTS.register_module(_dialect.name, module=_dialect)


def find_dialect(name: str) -> Dialect | None:
    """Give the dialect of a name; None for ``auto``, which is found out by asking.

    Raises:
        ValueError: for a name that leads to none.
    """
    if name == AUTO:
        return None
    found = DIALECTS.get(name)
    if not isinstance(found, Dialect):
        raise ValueError(f'dialect: {name} is no Dialect, but {type(found).__name__}')
    return found


def dialect_said(models: bytes) -> Dialect:
    """Give the dialect that a list of models names; `UNKNOWN` where it names none for certain."""
    owners = owners_of(models)
    known = (DIALECTS.get(name) for name in DIALECTS)
    said = [each for each in known if each.owned_by is not None and each.owned_by in owners]
    return said[0] if len(said) == 1 else UNKNOWN
