"""How many files and connections this process may have open."""

from __future__ import annotations

import resource

# Of the process itself: libraries, the store, record files, standard streams.
SPARE = 48


def allow_connections(count: int) -> None:
    """Raise the limit of open files of this process, as far as it may, to so many connections.

    Raises:
        ValueError: when fewer are allowed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + SPARE
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        mend = f'raise the limit (`ulimit -n {needed}`)'
        if hard > SPARE:
            mend += f', or set it so low that there are {hard - SPARE} in all'
        raise ValueError(
            f'concurrency_per_endpoint: {count} connections in all need {needed} open files, and '
            f'this process may have {hard}; {mend}'
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
