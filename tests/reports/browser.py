"""A headless Chromium of the system, driven by its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import io
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
FLAGS = (
    *('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
    *('--disable-dev-shm-usage', '--remote-debugging-pipe', 'about:blank'),
)
TIMEOUT_S = 120.0


def find_browser() -> str | None:
    """The path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser.

    Attributes:
        complaints: what it wrote to the console, and errors of scripts, since a page was opened.
        requested: addresses that it asked for since then.
    """

    def __init__(self, out: int, into: int) -> None:
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._out, self._in, self._rest, self._last = out, into, b'', 0
        self._session: str | None = None
        (page,) = [t for t in self.ask('Target.getTargets')['targetInfos'] if t['type'] == 'page']
        attached = self.ask('Target.attachToTarget', targetId=page['targetId'], flatten=True)
        self._session = attached['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.ask(f'{domain}.enable')
        # A window in the background gets no events of focus.
        self.ask('Emulation.setFocusEmulationEnabled', enabled=True)

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command and give its result."""
        self._last += 1
        message = {'id': self._last, 'method': method, 'params': params}
        if self._session:
            message['sessionId'] = self._session
        os.write(self._out, json.dumps(message).encode() + b'\0')
        for answer in self._messages():
            if answer.get('id') == self._last:
                assert 'error' not in answer, f'{method}: {answer["error"]}'
                return answer['result']
        raise AssertionError(f'{method}: the browser has closed its pipe')

    def _messages(self) -> Iterator[dict[str, Any]]:
        end = time.monotonic() + TIMEOUT_S
        while select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0]:
            received = os.read(self._in, 1 << 20)
            *whole, self._rest = (self._rest + received).split(b'\0')
            for text in whole:
                message = json.loads(text)
                self._notice(message)
                yield message
            if not received:
                return
        raise AssertionError(f'no answer of the browser in {TIMEOUT_S:.0f} s')

    def _notice(self, message: dict[str, Any]) -> None:
        params = message.get('params', {})
        if message.get('method') == 'Runtime.exceptionThrown':
            self.complaints.append(str(params['exceptionDetails']))
        elif message.get('method') == 'Log.entryAdded':
            self.complaints.append(params['entry']['text'])
        elif message.get('method') == 'Runtime.consoleAPICalled':
            self.complaints.append(str(params['args']))
        elif message.get('method') == 'Network.requestWillBeSent':
            self.requested.append(params['request']['url'])

    def open(self, page: Path, width: int = 1280, height: int = 900, **media: str) -> None:
        """Load a page in a window of that size; ``media`` are features such as a colour scheme."""
        self.complaints, self.requested = [], []
        self.resize(width, height)
        features = [{'name': k.replace('_', '-'), 'value': v} for k, v in media.items()]
        self.ask('Emulation.setEmulatedMedia', media='', features=features)
        self.ask('Page.navigate', url=page.as_uri())
        loaded = (
            'new Promise(done => document.readyState === "complete" ? done(1)'
            ' : addEventListener("load", () => done(1)))'
        )
        while self.run('location.href') != page.as_uri():
            time.sleep(0.02)
        self.run(loaded)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size; up to 800 px it is a phone's."""
        self.ask(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width <= 800,
        )

    def print_media(self) -> None:
        """Let the page look as it is printed."""
        self.ask('Emulation.setEmulatedMedia', media='print', features=[])

    def run(self, script: str) -> Any:
        """Give the value of an expression of JavaScript, waiting for a promise."""
        found = self.ask(
            'Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True
        )
        assert 'exceptionDetails' not in found, found['exceptionDetails']
        return found['result'].get('value')

    def press(self, key: str) -> None:
        """Press and release a key."""
        codes = {'Tab': 9, 'Escape': 27, 'ArrowLeft': 37, 'ArrowUp': 38}
        codes |= {'ArrowRight': 39, 'ArrowDown': 40}
        for kind in ('rawKeyDown', 'keyUp'):
            self.ask('Input.dispatchKeyEvent', type=kind, key=key, windowsVirtualKeyCode=codes[key])

    def image(self, *, whole: bool = False) -> NDArray[np.uint8]:
        """Give the window, or the whole page, as an image (height, width, 3)."""
        options: dict[str, Any] = {}
        if whole:
            size = self.ask('Page.getLayoutMetrics')['cssContentSize']
            clip = {**size, 'x': 0, 'y': 0, 'scale': 1}
            options = {'captureBeyondViewport': True, 'clip': clip}
        data = self.ask('Page.captureScreenshot', **options)['data']
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert('RGB'))

    def pdf(self) -> bytes:
        """Print the page as a browser does, without backgrounds."""
        return base64.b64decode(self.ask('Page.printToPDF', printBackground=False)['data'])


@contextmanager
def started(path: str, folder: Path) -> Iterator[Browser]:
    """Start a browser with a new profile in ``folder``, and end it."""
    to_read, out = os.pipe()
    into, to_write = os.pipe()
    process = subprocess.Popen(
        ['bash', '-c', f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}', path]
        + [f'--user-data-dir={folder}', *FLAGS],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Browser(out, into)
    finally:
        os.close(out)
        os.close(into)
        process.terminate()
        process.wait(timeout=30)
