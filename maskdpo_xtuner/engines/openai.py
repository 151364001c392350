"""Engine ``openai``: any number of OpenAI-compatible servers, LMDeploy's first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import httpx

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.answers import Answer, Verdict, judge_response
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.connections import Connections
from maskdpo_xtuner.engines.endpoints import Endpoint, EndpointPool
from maskdpo_xtuner.records import Message

# How often one call moves a request that was lost: a request may be what kills its servers.
MAX_LOSSES = 2
CONNECT_TIMEOUT = 10.0
# uvicorn, which LMDeploy runs on, closes a connection after 5 idle seconds: reuse none that old.
KEEPALIVE = 3.0


class OpenAIEngine:
    """Completes conversations on servers that speak OpenAI's HTTP protocol.

    Retries belong to the caller: a request moves to another endpoint by itself only when its
    endpoint lost it. While no endpoint is up, requests wait for one up to ``patience``.

    Args:
        model: the name under which the servers serve the model.
        base_urls: addresses up to and without ``/v1``, for example ``http://node1:23333``.
        revision: of the model; part of the identity of what is stored.
        tokenizer: folder or name of a tokenizer. With it, prompts are rendered here by its chat
            template and sent to ``/v1/completions``; without, the server renders them. LMDeploy
            from v0.10 on renders InternLM2 wrong when a template of its own is named for it.
        trust_remote_code: whether the tokenizer may run code from its repository.
        concurrency_per_endpoint: requests in flight at each server, and connections to it.
        timeout: seconds for one answer.
        patience: seconds to wait for an endpoint while all are down.
        api_key_env: the environment variable that holds the key, if the servers want one.
        template_kwargs: variables of the chat template of ``tokenizer``.
        extra_body: further fields of every request, such as ``chat_template_kwargs``.

    Raises:
        ValueError: for settings that cannot work.
    """

    batch_size = 1

    def __init__(
        self,
        model: str,
        base_urls: Sequence[str],
        *,
        revision: str | None = None,
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        concurrency_per_endpoint: int = 128,
        timeout: float = 600.0,
        patience: float = 300.0,
        api_key_env: str | None = None,
        template_kwargs: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self._model = model
        self._template = None
        if tokenizer:
            self._template = ChatTemplate(tokenizer, revision, trust_remote_code, template_kwargs)
        elif template_kwargs:
            raise ValueError(
                'template_kwargs need a tokenizer, by which prompts are rendered here; a server '
                'that renders them takes extra_body=dict(chat_template_kwargs=dict(...))'
            )
        self._extra = dict(extra_body or {})
        self._timeout, self._patience = timeout, patience
        self._per_endpoint = concurrency_per_endpoint
        self._headers = _headers(api_key_env)
        self._pool = EndpointPool(_checked(base_urls), concurrency_per_endpoint)
        # One for all clients: each would read the certificates anew.
        self._ssl = httpx.create_ssl_context()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: dict[Endpoint, Connections] = {}
        self.concurrency = concurrency_per_endpoint * len(self._pool.endpoints)
        self.identity: Mapping[str, str] = {
            'engine': 'openai',
            'model': model,
            'revision': revision or '',
            'chat_template': self._template.digest if self._template else 'of the server',
            'extra_body': json.dumps(self._extra, sort_keys=True),
        }

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in order, each by itself."""
        return list(await asyncio.gather(*(self._complete(request) for request in requests)))

    async def _complete(self, request: Request) -> Completion | Failure:
        """Ask one endpoint, and others when it loses the request."""
        path, body = self._compose(request)
        dialogue = dialogue_key(request.messages)
        deadline = asyncio.get_running_loop().time() + self._patience
        outcome: Completion | Failure = Failure('no endpoint is up', transient=True)
        tried: list[Endpoint] = []
        losses = 0
        while losses < MAX_LOSSES:
            endpoint = self._pool.choose(dialogue, tried)
            if endpoint is None:
                endpoint = await self._wait_for_endpoint(dialogue, deadline)
            if endpoint is None:
                break
            answer = await self._ask(endpoint, path, body)
            outcome = answer.outcome
            if answer.verdict in (Verdict.WELL, Verdict.SUSPECT):
                break
            tried.append(endpoint)
            # A dead endpoint did not take the request, so the request is not to blame.
            losses += answer.verdict is Verdict.LOST
        return outcome

    async def _wait_for_endpoint(self, dialogue: bytes, deadline: float) -> Endpoint | None:
        """Wait until an endpoint is up or to be probed; None at the deadline."""
        loop = asyncio.get_running_loop()
        endpoint = None
        while endpoint is None and loop.time() < deadline:
            # An answer to the probe of another request may end the wait earlier.
            await asyncio.sleep(min(max(self._pool.next_probe(), 0.01), 1.0))
            endpoint = self._pool.choose(dialogue)
        return endpoint

    async def _ask(self, endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> Answer:
        """Post to one endpoint and tell the pool how it went."""
        endpoint.in_flight += 1
        try:
            response = await self._connections_to(endpoint).post(path, body)
            answer = judge_response(response.status_code, response.content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            answer = _lost(f'cannot connect: {error}', Verdict.DEAD)
        except httpx.TimeoutException:
            answer = _lost(f'no answer within {self._timeout:g} s', Verdict.SUSPECT)
        except httpx.RequestError as error:
            answer = _lost(f'connection lost: {type(error).__name__} {error}', Verdict.LOST)
        finally:
            endpoint.in_flight -= 1
        reason = answer.outcome.reason if isinstance(answer.outcome, Failure) else ''
        self._pool.report(endpoint, answer.verdict, reason)
        return answer

    def _connections_to(self, endpoint: Endpoint) -> Connections:
        """The connections to an endpoint; they belong to an event loop and end with it."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._connections = loop, {}
        if endpoint not in self._connections:
            open_client = partial(self._open_client, endpoint.url)
            self._connections[endpoint] = Connections(open_client, self._per_endpoint)
        return self._connections[endpoint]

    def _open_client(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            headers=self._headers,
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE),
            timeout=httpx.Timeout(self._timeout, connect=CONNECT_TIMEOUT),
            verify=self._ssl,
        )

    def _compose(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Path and body of a request."""
        body = {'model': self._model, **sampling_fields(request.sampling), 'seed': request.seed}
        if self._template is not None:
            body['prompt'] = self._template.render(request.messages)
            # LMDeploy knows a doubled start token; vLLM must be told not to add one.
            body['add_special_tokens'] = False
            return '/v1/completions', {**body, **self._extra}
        body['messages'] = [message.model_dump() for message in request.messages]
        return '/v1/chat/completions', {**body, **self._extra}


def sampling_fields(sampling: Sampling) -> dict[str, Any]:
    """Every field that decides on the sampling, as LMDeploy's server names them.

    What is not sent comes from the server: ``top_k`` 40, or the model's generation config (LMDeploy
    from v0.15 on). Sampling is always on there; one candidate is greedy.
    """
    greedy = sampling.temperature == 0
    return {
        'max_tokens': sampling.max_new_tokens,
        'temperature': 1.0 if greedy else sampling.temperature,
        'top_k': 1 if greedy else sampling.top_k,
        'top_p': 1.0 if greedy else sampling.top_p,
        'min_p': 0.0,
        'repetition_penalty': 1.0,
        'presence_penalty': 0.0,
        'frequency_penalty': 0.0,
        'ignore_eos': False,
        'skip_special_tokens': True,
        'n': 1,
        'stream': False,
    }


def dialogue_key(messages: Sequence[Message]) -> bytes:
    """A hash of what all requests of a dialogue begin with: the turns before the first answer."""
    opening = takewhile(lambda message: message.role != 'assistant', messages)
    text = json.dumps([(message.role, message.content) for message in opening])
    return hashlib.sha256(text.encode()).digest()[:16]


def _lost(reason: str, verdict: Verdict) -> Answer:
    return Answer(Failure(reason, transient=True), verdict)


def _checked(base_urls: Sequence[str]) -> list[str]:
    """The addresses without a closing slash and without ``/v1``."""
    if not base_urls or isinstance(base_urls, str):
        raise ValueError(
            'engine "openai" needs base_urls, a list of addresses such as '
            f'["http://127.0.0.1:23333"]; it got {base_urls!r}'
        )
    for url in base_urls:
        if not url.startswith(('http://', 'https://')):
            raise ValueError(f'base_urls: {url!r} does not begin with http:// or https://')
    return [url.rstrip('/').removesuffix('/v1') for url in base_urls]


def _headers(api_key_env: str | None) -> dict[str, str]:
    if api_key_env is None:
        return {}
    if not os.environ.get(api_key_env):
        raise ValueError(f'api_key_env: the environment variable {api_key_env} is not set')
    return {'Authorization': f'Bearer {os.environ[api_key_env]}'}
