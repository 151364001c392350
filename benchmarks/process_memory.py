"""The highest memory of processes while a block runs, sampled from Linux's /proc."""

from __future__ import annotations

import os
import re
import threading
from collections import defaultdict
from pathlib import Path

SAMPLING_INTERVAL = 0.02  # seconds


class PeakMemory:
    """The highest anonymous memory (RssAnon) inside of a ``with`` block, in ``bytes``.

    Pages of memory-mapped files are not in it: the system takes them back at need.

    Args:
        children: watch the processes that this one started, and theirs, in place of itself.
    """

    def __init__(self, children: bool = False) -> None:
        self._children = children

    def __enter__(self) -> PeakMemory:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLING_INTERVAL):
            pids = descendants(os.getpid()) if self._children else [os.getpid()]
            self.bytes = max(self.bytes, sum(map(held_memory, pids)))


def held_memory(pid: int) -> int:
    """Bytes of anonymous memory of a process; 0 when it has ended."""
    try:
        status = Path(f'/proc/{pid}/status').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r'RssAnon:\s+(\d+) kB', status)
    return 1024 * int(match[1]) if match else 0  # a zombie has no memory


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    children = defaultdict(list)
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            # The name in brackets may hold anything; the parent is the second field after it.
            parent = stat.read_text().rpartition(')')[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[int(parent)].append(int(stat.parent.name))
    found = list(children[pid])
    for child in found:
        found += children[child]
    return found
