"""Results that are slow to make and small to keep, in the cache folder from one run to the next."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.builtin.wheels import cache_dir
from maskdpo_xtuner.hashing import file_sha256


def remembered(kind: str, name: str, state: Mapping[str, Any], make: Callable[[], Any]) -> Any:
    """Give what ``make`` made when ``state`` was the same, or let it make it now.

    One result is kept for a name, whole or not at all, so several processes may ask at once. What
    cannot be kept, as in a folder that may not be written, is made again the next time.

    Args:
        kind: folder within the cache (``hashes``).
        name: what the result is of (a path).
        state: everything that the result follows from; plain values.
        make: gives a result that JSON can hold.

    Returns:
        The result as JSON gives it back, the first time too.
    """
    path = cache_dir() / kind / f'{hashlib.sha256(name.encode()).hexdigest()[:32]}.json'
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError):
        kept = None
    if isinstance(kept, dict) and kept.get('name') == name and kept.get('state') == state:
        return kept['result']
    text = json.dumps({'name': name, 'state': state, 'result': make()}, default=str)
    _keep(path, text)
    return json.loads(text)['result']


def rows_of_package(
    package: str,
) -> Callable[
    [Callable[[], Sequence[Mapping[str, object]]]], Callable[[], list[dict[str, object]]]
]:
    """Decorate a function that makes rows of a package's table: once for each of its versions.

    Such packages load pandas and a database for a table that fits a small file. A change of the
    file that the function stands in counts as another version. Values that JSON does not know
    (dates, numbers of numpy) become text.
    """

    def decorate(
        make: Callable[[], Sequence[Mapping[str, object]]],
    ) -> Callable[[], list[dict[str, object]]]:
        @functools.wraps(make)
        def rows() -> list[dict[str, object]]:
            try:
                release = version(package)
            except PackageNotFoundError:
                release = 'not installed'  # `make` knows what to say.
            code = file_sha256(Path(inspect.getfile(make)))
            state = {'package': f'{package} {release}', 'code': code}
            name = f'{make.__module__}.{make.__qualname__}'
            made: list[dict[str, object]] = remembered('tables', name, state, lambda: list(make()))
            return made

        return rows

    return decorate


def _keep(path: Path, text: str) -> None:
    try:
        with atomic_writer(path) as file:
            file.write(text)
    except OSError:
        pass  # Only time is lost.
