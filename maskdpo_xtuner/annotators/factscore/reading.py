"""Reading facts and verdicts out of what a model wrote.

Where FActScore's release reads something out of any text (`evaluation.official_factscore`), what
is no list of facts, or no verdict, cannot be read here. Thoughts before it are not read.
"""

from __future__ import annotations

import re

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.annotators.spoken import is_denied, spoken

NO_FACTS = 'NO FACTS'

# "- fact", "* fact", "• fact", "1. fact", "2) fact": a dash within a fact begins none.
_FACT = re.compile(r'^\s*(?:[-*\u2022\u2013]|\d+[.)])\s+(?P<fact>\S.*?)\s*$', re.MULTILINE)
_NONE = re.compile(rf'\b{NO_FACTS}\b')
_CHOICE = re.compile(r'\b(?:true\W{1,3}false|true or false|false or true)\b', re.IGNORECASE)
_VERDICT = re.compile(r'\b(?P<verdict>true|false)\b', re.IGNORECASE)


def read_facts(text: str) -> tuple[str, ...]:
    """Read a list of facts, one a line behind a dash, a bullet or a number; others are not read.

    A fact that stands twice is one fact. `NO_FACTS` in place of a list is none.

    Raises:
        UnreadableAnswer: for neither, or for both.
    """
    text = spoken(text)
    listed = dict.fromkeys(match['fact'] for match in _FACT.finditer(text))
    facts = tuple(fact for fact in listed if not _NONE.search(fact))
    none = _NONE.search(text)
    if facts and none:
        raise UnreadableAnswer(f'both facts and {NO_FACTS}', text)
    if not facts and not none:
        raise UnreadableAnswer('no list of facts', text)
    return facts


def read_verdict(text: str) -> bool:
    """Read the last word True or False, in any case; a repeated "True or False?" is none.

    Raises:
        UnreadableAnswer: when there is none, or one that is negated ("not true").
    """
    text = spoken(text)
    said = _CHOICE.sub(lambda match: ' ' * len(match[0]), text)
    found = list(_VERDICT.finditer(said))
    if not found:
        raise UnreadableAnswer('neither True nor False', text)
    last = found[-1]
    if is_denied(said, *last.span()):
        raise UnreadableAnswer('a verdict that is negated', text)
    return last['verdict'].lower() == 'true'
