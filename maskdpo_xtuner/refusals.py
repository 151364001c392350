"""Answers that decline to answer, told by their words; no model is asked.

The text is cut into clauses, and each has to be a refusal ("I do not have information on ...") or a
courtesy around one (an apology, an offer of help, a request for more, what a language model says of
itself); at least one is a refusal. An answer that also states something is none, whatever it
begins with. So a count of refusals is a lower bound: a wording that is not listed is not found.

What is looked for is what published detectors look for: FActScore's abstention (an apology at the
start, a request to "provide more"; Min et al. 2023, arXiv 2305.14251), and in the refusal lists of
evaluations an apology, "cannot", "unable to", "do not have information", "as an AI". They search
the whole text for the words; that every clause has to fit is ours.
"""

from __future__ import annotations

import re

from maskdpo_xtuner.records import Language


def _any(*patterns: str) -> str:
    return f'(?:{"|".join(patterns)})'


# Where a clause ends and a statement may begin. Each pattern below sees one clause in lower case.
_BORDER = {
    'en': re.compile(
        r'[.!?;:,]+(?=\s|$)|\n|\s(?:but|however|although|though|because)\s'
        r'|\s(?:which|and(?= (?:i|it|its|he|she|they|this|the)\b))\s'
    ),
    'zh': re.compile(r'[。！？；：，,!?;:\n]+|但是|不过|然而|因为|所以|因此|但'),
}

_LEAD = _any(
    *(r'as an? (?:[\w-]+ ){1,4}', r"(?:i'm|i am) (?:afraid|sorry) (?:that )?"),
    *('unfortunately ', 'sorry ', 'currently ', 'no ', 'well '),
)
_FIND = _any(
    *('answer', 'provide', 'give', 'tell', 'help', 'assist', 'find', 'determine', 'confirm'),
    *('verify', 'comment', 'say', 'recall', 'offer', 'discuss', 'share', 'identify', 'respond'),
)
_KNOWLEDGE = _any('answers?', 'information', 'knowledge', 'data', 'details?', 'access', 'idea')
_REFUSAL = {
    'en': re.compile(
        f'{_LEAD}?'
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
        )
    ),
    'zh': re.compile(
        r'(?:抱歉|对不起)?'
        r'(?:我们|我|本人|目前|暂时|现在|当前|还|仍|也|确实|并|实在|恐怕|根据已知信息)*'
        + _any(
            r'(?:无法|不能|没法|没办法|没有办法|未能|难以|不便).{0,3}?'
            r'(?:回答|提供|给出|确定|告诉|帮助|找到|查到|获取|确认|判断|查询|得知|解答|核实)',
            r'(?:不|不太)(?:知道|清楚|了解|确定|熟悉|记得)',
            r'(?:没有|缺乏|缺少|暂无|尚无|未找到|没有找到|查不到|找不到|没找到)'
            r'[^是]*(?:信息|资料|数据|答案|了解)',
        )
    ),
}

_COURTESY = {
    'en': re.compile(
        _any(
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
        )
    ),
    'zh': re.compile(
        _any(
            r'(?:我)?(?:很|非常|十分|实在|真的|真)?(?:抱歉|对不起|遗憾|不好意思)',
            r'(?:作为|关于|对于|截至|在我的|根据我).*|我(?:是|只是).*(?:人工智能|语言模型|助手)',
            r'请.*|(?:如果|若|如)?(?:您|你)(?:可以|能|能否|有|需要|想|愿意|提供).*',
            r'我?(?:很|非常)?(?:乐意|愿意|会|可以)?.{0,2}(?:为您|帮助您|协助您|尽力).*|谢谢.*|感谢.*',
        )
    ),
}


def is_refusal(text: str, language: Language) -> bool:
    """Whether an answer declines to answer and states nothing else.

    Args:
        text: the whole answer. A blank one is no refusal.
        language: which list of wordings to hold it against: English or Chinese. For another
            language it is the English one, in which models often refuse whatever they are asked in.
    """
    language = language if language in _REFUSAL else 'en'
    refusals = [_REFUSAL[language].match(clause) is not None for clause in _clauses(text, language)]
    return any(refusals) and all(
        refuses or _COURTESY[language].fullmatch(clause)
        for refuses, clause in zip(refusals, _clauses(text, language), strict=True)
    )


def _clauses(text: str, language: Language) -> list[str]:
    plain = text.lower().replace('’', "'")
    clauses = (clause.strip(' \t\r"\'*_>-.,!?') for clause in _BORDER[language].split(plain))
    return [clause for clause in clauses if clause]
