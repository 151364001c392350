"""Words for annotators that compare words: their stems, and those that are only grammar."""

from __future__ import annotations

import re


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


FUNCTION_WORDS = _words(
    """a about above after again all also although always am an and another any are around as at
    be became because become been before being below between both but by came can come comes could
    did do does doing done during each either else even ever every few first for from further get
    gets had has have having he her here hers him his how however i if in including into is it its
    itself just last later least let like made make makes many may me might more most much must my
    of often on once one ones only onto or other others our out over own part per quite rather
    said same say says several shall she should since so some such than that the their them then
    there therefore these they this those though through thus to together too toward under until
    up upon us usually various very was way we well were what when where whether which while who
    whom whose why will with within would yet you your doesn don didn isn wasn aren weren won
    couldn wouldn shouldn hasn haven"""
)
NEGATIONS = _words('cannot neither never no nobody none nor not nothing without')
NATIONALITIES = _words(
    """american austrian british canadian chinese danish dutch english european finnish french
    german greek indian irish italian japanese latin norwegian polish russian scottish soviet
    spanish swedish swiss"""
)

STEM_LENGTH = 6
_ENDING = re.compile(r'(?<=..)(?:ing|edly|ed|er|ers|ies|es|s|e|ly|y)$')


def stem(word: str) -> str:
    """Give ``discov`` for both ``discoverers`` and ``discovery``: ending off, then cut."""
    return _ENDING.sub('', word)[:STEM_LENGTH]
