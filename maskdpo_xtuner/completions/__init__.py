"""The memory of completions and the scheduler that fills it."""

from maskdpo_xtuner.completions.accounting import Accounting, Tokens
from maskdpo_xtuner.completions.breaker import EngineDown
from maskdpo_xtuner.completions.rounds import Rounds, run_rounds
from maskdpo_xtuner.completions.scheduler import Retry, Scheduler
from maskdpo_xtuner.completions.store import CompletionStore, request_key

__all__ = [
    'Accounting',
    'CompletionStore',
    'EngineDown',
    'Retry',
    'Rounds',
    'Scheduler',
    'Tokens',
    'request_key',
    'run_rounds',
]
