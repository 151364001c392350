"""The memory of completions and the scheduler that fills it."""

from maskdpo_xtuner.completions.accounting import Accounting
from maskdpo_xtuner.completions.scheduler import Retry, Scheduler
from maskdpo_xtuner.completions.store import CompletionStore, request_key

__all__ = ['Accounting', 'CompletionStore', 'Retry', 'Scheduler', 'request_key']
