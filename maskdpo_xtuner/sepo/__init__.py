"""SePO's token selection: spans that an oracle model finds decisive, as weights of a record."""

from maskdpo_xtuner.sepo.selection import ResponseScorer, select_tokens
from maskdpo_xtuner.sepo.spans import ScoredToken, select_spans

__all__ = ['ResponseScorer', 'ScoredToken', 'select_spans', 'select_tokens']
