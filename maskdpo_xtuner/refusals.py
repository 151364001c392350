"""Answers that decline to answer, told by their words; no model is asked.

The text is cut into clauses, and each has to be a refusal ("I do not have information on ...") or a
courtesy around one (an apology, an offer of help, a request for more, what a language model says of
itself); at least one is a refusal. An answer that also states something is none, whatever it
begins with. So a count of refusals is a lower bound: a wording that is not listed is not found.

What is looked for is what published detectors look for: FActScore's abstention (an apology at the
start, a request to "provide more"; Min et al. 2023, arXiv 2305.14251), and in the refusal lists of
evaluations an apology, "cannot", "unable to", "do not have information", "as an AI". They search
the whole text for the words; that every clause has to fit is ours.

There are lists for English and Chinese. Another language, or more wordings of these, come from a
file of yours that the config names in ``custom_imports``:

    german = Wordings(refusals='(das )?weiß ich (leider )?nicht', courtesies='tut mir leid')
    REFUSALS.register_module('de', module=german)
    REFUSALS.register_module('en', force=True, module=ENGLISH.also(refusals='no comment'))
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from maskdpo_xtuner.records import Language
from maskdpo_xtuner.registry import REFUSALS


@dataclass(frozen=True)
class Wordings:
    """How answers in a language decline: regular expressions for one clause in lower case.

    Attributes:
        refusals: what a clause that declines begins with.
        courtesies: what a whole clause beside a refusal may say.
        border: where a clause ends and a statement may begin.
    """

    refusals: str
    courtesies: str
    border: str = r'[.!?;:,]+(?=\s|$)|\n'

    def __post_init__(self) -> None:
        for name, pattern in vars(self).items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f'{name}: {pattern!r} is not a pattern: {error}') from error

    def also(self, refusals: str = r'(?!)', courtesies: str = r'(?!)') -> Wordings:
        """Add wordings to these; the defaults add none."""
        return Wordings(
            _any(self.refusals, refusals), _any(self.courtesies, courtesies), self.border
        )

    def fits(self, text: str) -> bool:
        """Tell whether a text declines and states nothing else. A blank one does not decline."""
        clauses = self._clauses(text)
        declines = [re.match(self.refusals, clause) is not None for clause in clauses]
        return any(declines) and all(
            declined or re.fullmatch(self.courtesies, clause)
            for declined, clause in zip(declines, clauses, strict=True)
        )

    def _clauses(self, text: str) -> list[str]:
        pieces = re.split(self.border, text.lower().replace('’', "'"))
        clauses = (piece.strip(' \t\r"\'*_>-.,!?') for piece in pieces)
        return [clause for clause in clauses if clause]


def is_refusal(text: str, language: Language | None) -> bool | None:
    """Tell whether an answer declines to answer and states nothing else.

    Args:
        text: the whole answer. A blank one is no refusal.
        language: of the question; ``zh`` also stands for ``zh-Hant`` and the like.

    Returns:
        None where it is not known: for a language without a list, or none at all.
    """
    listed = set(REFUSALS)
    found = next(
        (name for name in (language, (language or '').split('-')[0]) if name in listed), ''
    )
    return REFUSALS.get(found).fits(text) if found else None


def describe_refusals(count: int, unknown: int) -> str:
    """Write how many answers are refusals, and of how many that is not known."""
    without = f'{unknown:,} not known, without a list of refusals in their language'
    return f'{count:,} ({without})' if unknown else f'{count:,}'


def _any(*patterns: str) -> str:
    return f'(?:{"|".join(patterns)})'


_LEAD = _any(
    *(r'as an? (?:[\w-]+ ){1,4}', r"(?:i'm|i am) (?:afraid|sorry) (?:that )?"),
    *('unfortunately ', 'sorry ', 'currently ', 'no ', 'well '),
)
_FIND = _any(
    *('answer', 'provide', 'give', 'tell', 'help', 'assist', 'find', 'determine', 'confirm'),
    *('verify', 'comment', 'say', 'recall', 'offer', 'discuss', 'share', 'identify', 'respond'),
)
_KNOWLEDGE = _any('answers?', 'information', 'knowledge', 'data', 'details?', 'access', 'idea')
ENGLISH = Wordings(
    border=r'[.!?;:,]+(?=\s|$)|\n|\s(?:but|however|although|though|because)\s'
    r'|\s(?:which|and(?= (?:i|it|its|he|she|they|this|the)\b))\s',
    refusals=f'{_LEAD}?'
    + _any(
        rf"(?:i|we) (?:cannot|can not|can't|could not|couldn't) (?:\w+ly )?{_FIND}\b",
        rf"(?:i|we) (?:will not|won't) (?:be able to )?{_FIND}\b",
        rf"(?:(?:i|we)(?:'m| am|'re| are| was) )?(?:unable|not able) to (?:\w+ly )?{_FIND}\b",
        r"(?:i|we) (?:do not|don't|did not|didn't) (?:\w+ly )?(?:know|recall|remember)\b",
        rf"(?:i|we) (?:do not|don't) (?:\w+ly )?(?:have|possess)\b.*\b{_KNOWLEDGE}\b",
        rf'(?:i|we) have (?:no|insufficient)\b.*\b{_KNOWLEDGE}\b',
        r"(?:i'm|i am) not (?:\w+ly )?(?:sure|certain|familiar with|aware of|allowed to)\b",
        r'(?:i|we) (?:must|have to) decline\b',
        r'there (?:is|are) (?:no|not enough|insufficient) (?:\w+ )?(?:information|details?)\b',
    ),
    courtesies=_any(
        r"(?:i'm|i am|we're|we are) (?:very |so )?(?:sorry|afraid)(?: for (?:the|any) \w+)?",
        r"(?:i'm|i am) (?:just |only )?an? (?:[\w-]+ ){0,4}(?:ai|assistant|model)",
        r'i apologi[sz]e(?: for (?:the|any) \w+)?|sorry(?: about that)?|(?:my )?apologies',
        r'unfortunately|however|currently|no|well|at (?:this|the) (?:time|moment)',
        r'as an? (?:[\w-]+ ){0,4}(?:ai|model|assistant)(?: \w+ by .*)?',
        r'(?:as of|based on|given) my .*',
        r'(?:could|can|would|will) you .*|please (?!note|remember|keep|be aware).*',
        r'let me know.*|feel free.*',
        r"if you(?:'d)? (?:have|can|could|need|would|want|provide|tell|give|let|like|mean).*",
        r"(?:i'm|i am|i'd be|i would be|i'll be) (?:here|happy|glad) .*",
        r"i (?:can|could|will|would|may|'ll) (?:be able to )?(?:help|assist|try|do my best).*",
        r'i (?:would )?(?:suggest|recommend) (?:checking|consulting|asking|looking).*',
        r'is there anything .*|(?:what|how) (?:else )?(?:can|may) i .*|thank.*',
        r'you (?:may|might|could|can|should) (?:want to |wish to )?'
        r'(?:check|try|consult|look|search|ask|contact|refer).*',
    ),
)
CHINESE = Wordings(
    border=r'[。！？；：，,!?;:\n]+|但是|不过|然而|因为|所以|因此|但',
    refusals=r'(?:抱歉|对不起)?'
    r'(?:我们|我|本人|目前|暂时|现在|当前|还|仍|也|确实|并|实在|恐怕|根据已知信息)*'
    + _any(
        r'(?:无法|不能|没法|没办法|没有办法|未能|难以|不便).{0,3}?'
        r'(?:回答|提供|给出|确定|告诉|帮助|找到|查到|获取|确认|判断|查询|得知|解答|核实)',
        r'(?:不|不太)(?:知道|清楚|了解|确定|熟悉|记得)',
        r'(?:没有|缺乏|缺少|暂无|尚无|未找到|没有找到|查不到|找不到|没找到)'
        r'[^是]*(?:信息|资料|数据|答案|了解)',
    ),
    courtesies=_any(
        r'(?:我)?(?:很|非常|十分|实在|真的|真)?(?:抱歉|对不起|遗憾|不好意思)',
        r'(?:作为|关于|对于|截至|在我的|根据我).*|我(?:是|只是).*(?:人工智能|语言模型|助手)',
        r'请.*|(?:如果|若|如)?(?:您|你)(?:可以|能|能否|有|需要|想|愿意|提供).*',
        r'我?(?:很|非常)?(?:乐意|愿意|会|可以)?.{0,2}(?:为您|帮助您|协助您|尽力).*|谢谢.*|感谢.*',
    ),
)
REFUSALS.register_module('en', module=ENGLISH)
REFUSALS.register_module('zh', module=CHINESE)
