"""Clauses that say that a marker holds, and add nothing to it."""

from __future__ import annotations

import re

from maskdpo_xtuner.splitters.base import split_words

MARKER = '<>'
"""What stands in a clause in the place of a marker."""

_WORDS = split_words(
    'the a an this that it so thus therefore hence and accordingly consequently overall finally in '
    'conclusion final correct right best appropriate suitable proper my our of for to with as by '
    'annotation answer label type category class classification verdict judgement judgment result '
    'decision response hallucination sentence statement claim text output marker tag given is are '
    'be has have contains contain there here should must i we say choose select pick assign mark '
    'judge classify annotate conclude find found belongs falls under into according based on '
    'reference points document indeed clearly evidently definitely certainly obviously following '
    'factual facts fact kind one current labelled labeled classified annotated marked judged'
)
_PHRASES = re.compile(
    r"""\b(?:(?:i|we)(?:['’]d|[ ]would)[ ](?=(?:say|choose|select|pick|assign|mark)\b)
           |(?:is|be)[ ](?:considered|called)\b|most[ ](?=(?:appropriate|suitable|fitting)\b)
           |(?:it|that)['’]s\b)""",
    re.I | re.X,
)
_CHINESE = re.compile(
    '所以|因此|因而|综上所述|综上|由此可见|可见|答案|回答|类型|标签|类别|分类|结果|结论|判断|判定|标注'
    '|标记|批注|属于|应为|应该|这个|句子|陈述|最终|正确|幻觉|内容|存在|包含|含有|选择|认为|得出|归为'
    '|视为|标为|判为|记为|[故是为属应该此本这句话的有我选即就类]'
)
_LATIN = re.compile(r'[A-Za-z]+')
# Marks of lists and emphasis, brackets, and the one in the place of a marker.
_MARKS = re.compile(rf'{MARKER}|[\s()\[\]#*_-]')
_ASKS = re.compile(r'\W*(?:is|are|has|have|should|must|contains?)\b(?!\W*$)', re.I)
_REASON = re.compile(rf'({MARKER}\W*)\b(?:because|since|as|given|due[ ]to|for|in[ ]that)\b', re.I)


def split_reason(clause: str) -> tuple[str, str]:
    """Split off what follows the marker as its reason: "because the year differs"."""
    found = _REASON.search(clause)
    return (clause[: found.end(1)], clause[found.end(1) :]) if found else (clause, '')


def asserts(clause: str) -> bool:
    """Tell whether all words of a clause are those of saying that its marker holds.

    Only words that are known are taken: what is not among them may turn the meaning in ways that no
    list of denials foresees ("I considered <>", "<> would go too far").
    """
    if _ASKS.match(clause.partition(MARKER)[0]):
        return False
    rest = _CHINESE.sub(' ', _PHRASES.sub(' ', clause))
    words = {word.lower() for word in _LATIN.findall(rest)}
    return words <= _WORDS and not _MARKS.sub('', _LATIN.sub('', rest))
