"""Back ends that complete conversations, behind one protocol."""

from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request, Sampling

__all__ = ['Completion', 'Engine', 'Failure', 'Request', 'Sampling']
