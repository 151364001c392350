"""Which of two responses a language model prefers, by a criterion: what is asked, and what read."""

from maskdpo_xtuner.preference.asking import Ballot, Choice, Judge

__all__ = ['Ballot', 'Choice', 'Judge']
