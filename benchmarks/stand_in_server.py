"""A server that stands in for models, so that evaluation by servers can be run on any machine.

    python benchmarks/stand_in_server.py --port 23400 base=work/base/annotated-lexical.jsonl

A name with a file, or given several times with one, answers with the responses that are recorded
there, found by the seed of the request. The other names are rules, which know no more than the
prompt (those of the package):

    facts   FActScore: a clause is a fact, which is true where the passages have its names, numbers
    half    the same, but half of its lists of facts cannot be read
    judge   the judge `llm`: a sentence is supported where the document has its names and numbers
    longer  preference: the longer response by more than a tenth; its judgements are easily checked
    long    tells a biography in three sentences, which it makes up from the name
    short   the first of them
    silent  gives no verdict, whatever it is asked
    never   takes the question and does not answer

It speaks OpenAI's chat on 127.0.0.1. `--delay` holds every answer back, so that a run can be
killed in the middle.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMED = re.compile(r'\d+(?:\.\d+)?|\b[A-Z]\w+')
FOREVER = 3600.0

Reply = dict[str, object]
"""What is read of a response: its text, why it ended, how many tokens it has."""


def between(text: str, start: str, end: str) -> str:
    """What stands between the last ``start`` and the next ``end``."""
    return text.rpartition(start)[2].partition(end)[0].strip()


def stands_in(claim: str, source: str) -> bool:
    """Whether the source has all names and numbers of a claim, which must have any."""
    named = set(NAMED.findall(claim))
    return bool(named) and named <= set(NAMED.findall(source))


def facts(prompt: str) -> str:
    """Both steps of FActScore."""
    if '\nClaim: ' in prompt:
        passages, _, rest = prompt.rpartition('\nClaim: ')
        return str(stands_in(rest.partition('\n')[0], passages))
    topic = between(prompt, 'Topic: ', '\n')
    clauses = re.split(r', | and |; ', between(prompt, 'Sentence: ', '\nFacts:'))
    told = [clause.strip(' .') for clause in clauses if NAMED.search(clause)]
    return '\n'.join(f'- {topic}: {clause}.' for clause in told) or 'NO FACTS'


def half(prompt: str) -> str:
    """As `facts`, but half of the lists are no lists."""
    unreadable = '\nClaim: ' not in prompt and zlib.crc32(prompt.encode()) % 2
    return 'It says what it says.' if unreadable else facts(prompt)


def judge(prompt: str) -> str:
    """The verdict on one sentence, as the package's own prompt asks for it."""
    document = between(prompt, 'Document:\n', '\n\nQuestion that was answered')
    sentence = between(prompt, 'The sentence to check:\n', '\n\nFirst write')
    if not NAMED.search(sentence):
        return '[[NO FACTS]]'
    return '[[SUPPORTED]]' if stands_in(sentence, document) else '[[NOT IN DOCUMENT]]'


def longer(prompt: str) -> str:
    """The longer of two responses; a tie where they differ by a tenth or less."""
    sides = ('first', 'second')
    first, second = (
        len(between(prompt, f'[{side.title()} answer]', f'[End of the {side}')) for side in sides
    )
    if abs(first - second) <= max(first, second) / 10:
        return '[[TIE]]'
    return '[[FIRST]]' if first > second else '[[SECOND]]'


def long(prompt: str) -> str:
    """A biography; whether it is true is left to chance."""
    name = prompt.rpartition(' bio of ')[2].rstrip('.? ')
    lot = zlib.crc32(name.encode())
    work = ('chemist', 'painter', 'geologist', 'composer')[lot % 4]
    city, other = (('Vienna', 'Prague', 'Oslo', 'Ghent')[lot // n % 4] for n in (4, 16))
    return (
        f'{name} was a {work} of {city}. {name} was born in {1900 + lot // 64 % 3} and wrote '
        f'{2 + lot // 256 % 4} books. The last years {name} spent in {other}.'
    )


def short(prompt: str) -> str:
    """The first sentence of the biography."""
    return long(prompt).partition('. ')[0] + '.'


def silent(prompt: str) -> str:
    """No verdict."""
    return 'I would rather not say.'


def never(prompt: str) -> str:
    """Nothing, until the other side has given up."""
    time.sleep(FOREVER)
    return ''


RULES: dict[str, Callable[[str], str]] = {
    rule.__name__: rule for rule in (facts, half, judge, longer, long, short, silent, never)
}


def read_recorded(file: Path) -> dict[int, Reply]:
    """Seed -> response of a file of responses, or of annotated ones."""
    records = map(json.loads, file.read_text().splitlines())
    return {record['seed']: record for record in records}


def reply(recorded: Mapping[str, Mapping[int, Reply]], body: Mapping[str, Any]) -> Reply | None:
    """What a model says; None where nothing is recorded for the seed."""
    name = body['model']
    if name in recorded:
        return recorded[name].get(body['seed'])
    return {'text': RULES[name](body['messages'][-1]['content']), 'finish_reason': 'stop'}


def handler_of(
    recorded: Mapping[str, Mapping[int, Reply]], delay: float
) -> type[BaseHTTPRequestHandler]:
    """The handler of a server that knows these responses."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_GET(self) -> None:
            self._send(200, {'data': [{'id': name} for name in (*recorded, *RULES)]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            time.sleep(delay)
            if body['model'] not in (*recorded, *RULES):
                self._send(404, {'error': {'message': f'no model {body["model"]}'}})
            elif said := reply(recorded, body):
                self._send(200, _answer(said))
            else:
                self._send(400, {'error': {'message': f'no response to seed {body["seed"]}'}})

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _send(self, status: int, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header('Content-Length', str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _answer(said: Reply) -> dict[str, object]:
    message = {'role': 'assistant', 'content': said['text']}
    usage = {name: said.get(name) for name in ('prompt_tokens', 'completion_tokens')}
    choice = {'message': message, 'finish_reason': said['finish_reason']}
    return {'choices': [choice], 'usage': usage}


class Server(ThreadingHTTPServer):
    """Takes as many connections as an engine opens."""

    request_queue_size = 1024


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('recorded', nargs='*', metavar='NAME=FILE', help='of recorded responses')
    parser.add_argument('--port', type=int, nargs='+', default=[23400], help='one or several')
    parser.add_argument('--delay', type=float, default=0.0, help='seconds before every answer')
    args = parser.parse_args()
    recorded: dict[str, dict[int, Reply]] = {}
    for name, _, file in (text.partition('=') for text in args.recorded):
        recorded.setdefault(name, {}).update(read_recorded(Path(file)))
    handler = handler_of(recorded, args.delay)
    servers = [Server(('127.0.0.1', port), handler) for port in args.port]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f'serving {", ".join((*recorded, *RULES))} on {args.port}', flush=True)
    servers[0].serve_forever()


if __name__ == '__main__':
    main()
