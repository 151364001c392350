"""What a server says of the model that it has loaded, beyond the name under which it serves it."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from maskdpo_xtuner.engines.answers import shorten
from maskdpo_xtuner.engines.bodies import parse

# Of vLLM and SGLang the folder or hub name and the context; of llama.cpp the size of the weights;
# of others a commit. Not when it was loaded: the same weights are loaded again and again.
_TELLING = ('root', 'parent', 'revision', 'sha', 'digest', 'max_model_len')
_OF_META = ('size', 'n_params', 'n_ctx_train')


class _Models(BaseModel):
    """The body of ``/v1/models``."""

    data: list[dict[str, object]]


def loaded(body: bytes, model: str) -> str:
    """Give what the list of models says of one; empty where it says no more than the name."""
    entry = next((entry for entry in _models(body) if entry.get('id') == model), {})
    meta = entry.get('meta')
    told = {name: entry.get(name) for name in _TELLING}
    told |= {name: meta.get(name) for name in _OF_META} if isinstance(meta, dict) else {}
    parts = [f'{name} {value}' for name, value in told.items() if value not in (None, '', model)]
    return shorten(', '.join(parts))


def owners_of(body: bytes) -> set[str]:
    """Give who owns the models of a list: what serving programs put their own name into."""
    return {owner for entry in _models(body) if isinstance(owner := entry.get('owned_by'), str)}


def _models(body: bytes) -> list[dict[str, object]]:
    """Give the entries of a list of models; none where it is not of the form."""
    try:
        return _Models.model_validate(parse(body)).data
    except (ValidationError, RecursionError):
        return []
