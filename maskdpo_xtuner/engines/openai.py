"""Engine ``openai``: any number of OpenAI-compatible servers, LMDeploy's first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.addresses import checked
from maskdpo_xtuner.engines.answers import Answer, lost, reason_of
from maskdpo_xtuner.engines.api_keys import read_api_key
from maskdpo_xtuner.engines.base import Completion, EngineRefusal, Failure, Request
from maskdpo_xtuner.engines.composing import Composer, dialogue_key
from maskdpo_xtuner.engines.connections import Bounds
from maskdpo_xtuner.engines.dialects import AUTO, UNKNOWN, Dialect, dialect_said, find_dialect
from maskdpo_xtuner.engines.endpoints import Endpoint, EndpointPool
from maskdpo_xtuner.engines.loaded import loaded
from maskdpo_xtuner.engines.open_files import allow_connections
from maskdpo_xtuner.engines.reasoning import opens_thought, within_thought
from maskdpo_xtuner.engines.statuses import Verdict
from maskdpo_xtuner.engines.transport import Transport
from maskdpo_xtuner.records import Message

logger = logging.getLogger(__name__)

# How often one call moves a request that was lost: a request may be what kills its servers.
MAX_LOSSES = 2
# The largest response that is read. An answer of 30,000 tokens takes 200 KB, twice where every
# character is written as an escape.
LARGEST = 1 << 20
LONGEST_WAIT = 60.0  # seconds for which a server with too much to do is waited for in any case
PROBE = (Message(role='user', content='Hello'),)


class OpenAIEngine:
    """Completes conversations on servers that speak OpenAI's HTTP protocol.

    Retries belong to the caller: a request moves to another endpoint by itself only when its
    endpoint lost it. While no endpoint is up, requests wait for one up to ``patience``. A server
    that has too much to do is asked again when it says so (``Retry-After``), and then by fewer
    requests at once; that is no failure as long as any endpoint answers within ``patience``.

    Args:
        model: the name under which the servers serve the model.
        base_urls: addresses, for example ``http://node1:23333``. A path with a version in it
            (``/api/v3``) is taken as it is; to any other ``/v1`` is added.
        revision: of the model; part of the identity of what is stored.
        tokenizer: folder or name of a tokenizer. With it, prompts are rendered here by its chat
            template and sent to ``/v1/completions``; without, the server renders them. LMDeploy
            from v0.10 on renders InternLM2 wrong when a template of its own is named for it.
        trust_remote_code: whether the tokenizer may run code from its repository.
        concurrency_per_endpoint: requests in flight at each server, and connections to it.
        timeout: seconds for one answer, from the first byte sent to the last received.
        max_response_bytes: the largest response that is read.
        patience: seconds to wait for an endpoint while none gives an answer.
        api_key_env: the environment variable that holds the key, if the servers want one.
        template_kwargs: variables of the chat template, whoever renders it; servers get them as
            ``chat_template_kwargs``.
        extra_body: further fields of every request; None leaves out a field that would be sent,
            such as ``dict(top_k=None)``.
        dialect: what kind of server it is, a name of `maskdpo_xtuner.registry.DIALECTS`; ``auto``
            asks each server, and says so where one does not tell.

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
        max_response_bytes: int = LARGEST,
        patience: float = 300.0,
        api_key_env: str | None = None,
        template_kwargs: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        dialect: str = AUTO,
    ) -> None:
        self._template, self.template_kwargs = None, template_kwargs
        if tokenizer:
            self._template = ChatTemplate(tokenizer, revision, trust_remote_code, template_kwargs)
        of_server = {} if tokenizer else template_kwargs or {}
        self._composer = Composer(model, self._template, extra_body or {}, of_server)
        self._dialect = find_dialect(dialect)
        if self._dialect and (problem := self._composer.problem(self._dialect)):
            raise ValueError(problem)
        urls = checked(base_urls)
        self.concurrency = concurrency_per_endpoint * len(urls)
        allow_connections(self.concurrency)
        bounds = Bounds(timeout, max_response_bytes)
        self._transport = Transport(urls, bounds, read_api_key(api_key_env))
        self._pool = EndpointPool(urls, concurrency_per_endpoint)
        self._patience = patience
        self.identity: Mapping[str, str] = {
            'engine': 'openai',
            'model': model,
            'revision': revision or '',
            'chat_template': self._template.digest if self._template else 'of the server',
            'extra_body': self._composer.extra,
            **({'template_kwargs': self._composer.template_kwargs} if of_server else {}),
        }

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in order, each by itself.

        Raises:
            EngineRefusal: when all servers refuse whatever they are asked, with their words.
        """
        return list(await asyncio.gather(*(self._complete(request) for request in requests)))

    async def served(self) -> str:
        """Give what the first server that tells it has loaded; empty where none does."""
        for endpoint in self._pool.endpoints:
            reply = await self._transport.get(endpoint, '/models')
            if reply and (said := loaded(reply.body, self.identity['model'])):
                return said
        return ''

    async def _complete(self, request: Request) -> Completion | Failure:
        """Ask one endpoint, and others when it loses the request."""
        dialogue = dialogue_key(request.messages)
        start = asyncio.get_running_loop().time()
        outcome: Completion | Failure | None = None
        tried: list[Endpoint] = []
        losses = 0
        while losses < MAX_LOSSES:
            endpoint = self._pool.choose(dialogue, tried)
            if endpoint is None:
                endpoint = await self._wait_for_endpoint(dialogue, start + self._patience)
            if endpoint is None:
                break
            answer = await self._ask(endpoint, request)
            outcome = self._completed(request, answer.outcome)
            if answer.verdict in (Verdict.LOST, Verdict.DEAD):
                tried.append(endpoint)
                # A dead endpoint did not take the request, so the request is not to blame.
                losses += answer.verdict is Verdict.LOST
            elif not self._goes_on(answer.verdict, start):
                break
        return outcome or Failure(self._pool.trouble, transient=True)

    def _goes_on(self, verdict: Verdict, start: float) -> bool:
        """Tell whether another endpoint should be asked, or the same one later.

        One that has too much to do is waited for while any has given an answer within the time of
        patience, however often it says so.
        """
        if verdict is Verdict.LIMITED:
            since = max(start, self._pool.answered_at)
            return asyncio.get_running_loop().time() - since < self._patience
        return verdict is Verdict.REFUSING

    async def _wait_for_endpoint(self, dialogue: bytes, deadline: float) -> Endpoint | None:
        """Wait until an endpoint is up or to be probed; None at the deadline."""
        loop = asyncio.get_running_loop()
        endpoint = None
        while endpoint is None:
            if refusal := self._pool.refusal:
                raise EngineRefusal(
                    f'{refusal}. Nothing that was answered is lost: fix the cause and run the '
                    'same command again'
                )
            if loop.time() >= deadline:
                return None
            # An answer to the probe of another request may end the wait earlier.
            await asyncio.sleep(min(max(self._pool.next_probe(), 0.01), 1.0))
            endpoint = self._pool.choose(dialogue)
        return endpoint

    async def _ask(self, endpoint: Endpoint, request: Request) -> Answer:
        """Ask one endpoint and tell the pool how it went."""
        endpoint.in_flight += 1
        try:
            dialect = await self._dialect_of(endpoint)
            answer = await self._post(endpoint, request, dialect)
            if answer.verdict is Verdict.DOUBTFUL:
                answer = await self._settle(endpoint, request, answer, dialect)
            if answer.verdict is Verdict.LIMITED:
                answer = self._within_patience(answer)
        finally:
            endpoint.in_flight -= 1
        self._pool.report(endpoint, answer.verdict, reason_of(answer), answer.wait)
        return answer

    async def _dialect_of(self, endpoint: Endpoint) -> Dialect:
        """Give the dialect that is set, or what the endpoint says; it is asked once while up.

        Raises:
            EngineRefusal: when it says one in which requests cannot be said.
        """
        if known := self._dialect or endpoint.dialect:
            return known
        async with self._transport.to(endpoint).probing:
            if endpoint.dialect is not None:
                return endpoint.dialect
            reply = await self._transport.get(endpoint, '/models')
            found = dialect_said(reply.body) if reply else UNKNOWN
            problem = self._composer.problem(found)
            if reply and problem:
                raise EngineRefusal(f'{endpoint.url}: {problem}')
            if reply or (endpoint.has_answered and not problem):
                endpoint.dialect = found
                _tell(endpoint.url, found)
            return found

    async def _post(self, endpoint: Endpoint, request: Request, dialect: Dialect) -> Answer:
        if problem := self._composer.problem(dialect):
            return lost(f'no list of models came from it; {problem}', Verdict.DEAD)
        return await self._transport.post(endpoint, *self._composer.compose(request, dialect))

    def _within_patience(self, answer: Answer) -> Answer:
        """Turn a limit that lasts for hours into a refusal: nobody should wait for it unawares."""
        wait = answer.wait or 0.0
        if wait <= max(self._patience, LONGEST_WAIT):
            return answer
        reason = f'{reason_of(answer)}; it says to come again in {wait:.0f} s, beyond patience'
        return lost(reason, Verdict.REFUSING)

    async def _settle(
        self, endpoint: Endpoint, request: Request, answer: Answer, dialect: Dialect
    ) -> Answer:
        """Tell a bad request from a server that refuses all, by a question that is surely good."""
        async with self._transport.to(endpoint).probing:
            if not (endpoint.has_answered or endpoint.refusal):
                probe = await self._post(endpoint, replace(request, messages=PROBE), dialect)
                endpoint.has_answered = probe.verdict is Verdict.WELL
                if probe.verdict in (Verdict.DOUBTFUL, Verdict.REFUSING):
                    self._pool.report(endpoint, Verdict.REFUSING, reason_of(answer))
                elif not endpoint.has_answered:  # Nothing is known yet: ask again.
                    return lost(reason_of(answer), Verdict.SUSPECT)
        if endpoint.refusal:
            return lost(reason_of(answer), Verdict.REFUSING)
        return replace(answer, verdict=Verdict.DECLINED)

    def _completed(self, request: Request, outcome: Completion | Failure) -> Completion | Failure:
        """Count tokens that the server did not, and tell thoughts, where there is a tokenizer."""
        if self._template is None or isinstance(outcome, Failure):
            return outcome
        if opens_thought(self._template.render(request.messages)):
            outcome = within_thought(outcome)
        read, wrote = outcome.prompt_tokens, outcome.completion_tokens
        if read is None:
            read = len(self._template.encode(request.messages))
        if wrote is None:
            wrote = self._template.count((outcome.reasoning or '') + outcome.text)
        return replace(outcome, prompt_tokens=read, completion_tokens=wrote)


def _tell(url: str, dialect: Dialect) -> None:
    """Say in the log what a server is asked as."""
    if dialect is UNKNOWN:
        text = '%s does not say what it is and is asked as LMDeploy is; `dialect` names another'
        logger.warning(text, url)
    else:
        logger.info('%s speaks the dialect "%s"', url, dialect.name)
