"""One server a dialect, on loopback: it takes and refuses what the real one does.

After the request models of LMDeploy 0.12, vLLM and SGLang, and OpenAI's reference. Only what we
send, or could send by mistake, is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.engines.loopback import Loopback, Seen, error, http, serving

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Ids = list[Annotated[int, Field(ge=0)]]


class OpenAIRequest(BaseModel):
    """What OpenAI documents; a field that is not there is refused."""

    model_config = ConfigDict(extra='forbid', strict=True)

    model: str
    messages: list[dict[str, str]]
    max_tokens: Positive | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Share = 1.0
    n: int = 1
    stream: bool = False
    seed: Seed | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


class Further(BaseModel):
    """What the serving programs take beside; they pass over what they do not know."""

    model_config = ConfigDict(extra='ignore', strict=True)

    model: str
    messages: list[dict[str, str]] | None = None
    prompt: str | Ids | None = None
    max_tokens: Positive | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    n: int = 1
    stream: bool = False
    seed: Seed | None = None
    min_p: Share | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    chat_template_kwargs: dict[str, Any] | None = None


class LMDeployRequest(Further):
    """No limit is 0; prompts are texts."""

    top_k: Annotated[int, Field(ge=0)] = 40
    prompt: str | None = None


class VLLMRequest(Further):
    """No limit is 0 or -1; a text gets a start token unless told not to."""

    top_k: Annotated[int, Field(ge=-1)] | None = None
    add_special_tokens: bool | None = None


class SGLangRequest(Further):
    """No limit is -1, and 0 is refused; a text always gets a start token."""

    top_k: int | None = None

    def problem(self) -> str | None:
        """What SGLang says when it checks the sampling, behind the request model."""
        if self.top_k is not None and self.top_k != -1 and self.top_k < 1:
            return f'top_k must be -1 (disable) or at least 1, got {self.top_k}.'
        return None


KINDS: dict[str, tuple[type[BaseModel], str, str]] = {
    # dialect -> request model, what owns its models, where it puts thoughts
    'lmdeploy': (LMDeployRequest, 'lmdeploy', 'reasoning_content'),
    'vllm': (VLLMRequest, 'vllm', 'reasoning'),
    'sglang': (SGLangRequest, 'sglang', 'reasoning_content'),
    'openai': (OpenAIRequest, 'system', 'reasoning'),
}
THOUGHT = 'It is a metal.'
Reply = Callable[[BaseModel], tuple[str | None, str]]


@contextmanager
def serving_dialect(kind: str, reply: Reply, owner: str | None = None) -> Iterator[Loopback]:
    """Serve one kind; ``reply`` gives content and finish reason of a request that is taken."""
    model, own_name, thoughts = KINDS[kind]
    models = {'object': 'list', 'data': [{'id': 'm', 'owned_by': owner or own_name}]}

    def script(seen: Seen) -> bytes:
        if seen.method == 'GET':
            return http(models) if seen.path == '/v1/models' else error(404)
        try:
            request = model.model_validate(seen.body)
        except ValidationError as problem:
            first = problem.errors()[0]
            return error(400, f'{".".join(map(str, first["loc"]))}: {first["msg"]}')
        if isinstance(request, SGLangRequest) and (said := request.problem()):
            return error(400, said)
        content, finish_reason = reply(request)
        if seen.path == '/v1/completions':
            choice: dict[str, Any] = {'text': content}
        else:
            choice = {'message': {'role': 'assistant', 'content': content, thoughts: THOUGHT}}
        return http({'choices': [{**choice, 'finish_reason': finish_reason}]})

    with serving(script) as server:
        yield server
