"""What a judge says: without the thoughts before it, and not what a word beside it denies."""

from __future__ import annotations

import re

from maskdpo_xtuner.engines.reasoning import split_reasoning

# Marks of chat templates that a server should have stopped at: "<|im_end|>", "</s>".
TEMPLATE_MARK = re.compile(
    r'<[|｜][^<>|｜\n]{1,40}[|｜]>|</s>|<eos>|<(?:end|start)_of_turn>|\[/?INST\]'
)
_QUOTATIONS = re.compile(r'"[^"\n]*"|“[^“”\n]*”|‘[^‘’\n]*’|「[^「」\n]*」|『[^『』\n]*』')
_CLAUSE_END = re.compile(r'[,.;:!?\n，。；：！？、—]')

# Words that can turn what they stand beside into its opposite, or leave it open.
_TURNS = re.compile(
    r"""\b(?:not?|non|never|neither|nor|none|nobody|nothing|cannot|without|hardly|barely|scarcely
           |rather|instead|except|unless|unlikely|otherwise|opposite|contrary|far[ ]from
           |if|whether|either|or|may|might|could|maybe|perhaps|possibly|probably|almost|nearly
           |doubt\w*|unsure|uncertain|unclear|wrong\w*|incorrect\w*|false\w*|mistaken|invalid
           |den(?:y|ies|ied)|reject\w*|exclud\w*|avoid\w*|ruled?[ ]out|fail\w*|lacks?|seems?
           |appears?|less|unable|refuse\w*|hesita\w*|reluctant\w*|mistakes?|unfair|options?
           |candidates?|choices?|alternatives?)\b
      |n['’]t\b|[不没無无非未否别勿莫难吗或]|错误|除了|除外|排除|而是|如果|假如|可能|也许|似乎""",
    re.I | re.X,
)
# Words that take back what was said before them.
_TAKES_BACK = re.compile(
    r'\b(?:but|though|although|however|yet|still|except)\b|但|然而|虽然|尽管', re.I
)
_DENIED_BEFORE = re.compile(
    r"""(?: (?:\b(?:not|no|never|neither|nor|cannot|without|hardly)|n['’]t)\b
            (?:\s+(?!(?:so|thus|hence|therefore)\b)[^\s]+){0,4}
          | [不没无非未否别勿] \S{0,5} )[\W_]*$""",
    re.I | re.X,
)
_DENIED_AFTER = re.compile(
    r"""[\W_]*(?: (?:is|are|was|be|do|does|did|can|could|would|should|may|might|must|seems?|\s)*
                  (?:not\b|never\b|cannot\b|wrong\b|incorrect\b|false\b|n['’]t\b|no\b)
                | (?:这|是|并|的|标签)*[不没无非未错] )""",
    re.I | re.X,
)


def spoken(text: str) -> str:
    """What a model answers: without the thoughts before it and a leaked stop token after it."""
    answer = split_reasoning(text)[1]
    stop = TEMPLATE_MARK.search(answer)
    return answer[: stop.start()] if stop and answer[: stop.start()].strip() else answer


def turns(text: str) -> bool:
    """Whether a text has a word that denies, doubts or leaves open."""
    return _TURNS.search(text) is not None


def takes_back(text: str) -> bool:
    """Whether a text has a word that restricts what stands before it."""
    return _TAKES_BACK.search(text) is not None


def without_quotations(text: str) -> str:
    """The text with a blank in the place of each quotation."""
    return _QUOTATIONS.sub(' ', text)


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether the clause of ``text[start:end]`` denies it directly before or behind it."""
    before = _CLAUSE_END.split(text[:start])[-1]
    after = _CLAUSE_END.split(text[end:], maxsplit=1)[0]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after))
