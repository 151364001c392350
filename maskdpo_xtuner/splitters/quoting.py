"""Terminators that end no sentence because of the marks around them: quotations and titles."""

from __future__ import annotations

import re

_CONTEXT = 40  # characters looked at on either side
_QUOTES = '"”’』」\''

_SAID = (
    'said|says|asked|asks|replied|answered|added|shouted|cried|whispered|exclaimed|explained|wrote|'
    'muttered|called|yelled|remarked|noted|thought'
)
# "Mary asked.", "The old man said quietly,", "I said as he left": and not "Mary asked him to go".
_ATTRIBUTION = re.compile(
    rf"""(?:(?:The|My|His|Her|Our|Their)(?:[ ][\w'’-]+){{1,2}} | (?!(?:Then|When|But|So|And)\b)
         [A-Z][\w'’-]*(?:[ ][A-Z][\w'’.-]*){{0,2}}) [ ](?:{_SAID})
         (?:(?:[ ]\w+ly)?[.,:;!?] | [ ](?:as|while|with|when|in|from)\b)""",
    re.X,
)
_CHINESE_ATTRIBUTION = re.compile(
    '[\u4e00-\u9fff·]{1,10}?(?:说|问|答|喊|叫|笑|写|表示|指出|认为|解释)[道着]?[，。：！？]'
)
# "(Smith 55)." behind the quotation that it is the source of.
_CITATION = re.compile(r'[(（][^()（）\n]{0,60}\d[^()（）\n]{0,20}[)）][.。!?]')


def runs_on_behind_quotation(text: str, run: str, after: int) -> bool:
    """Tell whether what stands at ``after`` belongs to the quotation that ``run`` closes."""
    if not any(mark in run for mark in _QUOTES):
        return False
    return any(
        pattern.match(text, after) is not None
        for pattern in (_ATTRIBUTION, _CHINESE_ATTRIBUTION, _CITATION)
    )


def is_in_title(text: str, start: int, at: int) -> bool:
    """Tell whether the terminator at ``at`` stands between marks of a title, ``《`` and ``》``."""
    before = text[max(start, at - _CONTEXT) : at]
    after = text[at : at + _CONTEXT].partition('\n')[0]
    return before.rfind('《') > before.rfind('》') and '》' in after
