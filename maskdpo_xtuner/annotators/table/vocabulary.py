"""The English words that the table's judge knows beside those of the table and its checks."""

from __future__ import annotations

import re

from maskdpo_xtuner.annotators.words import FUNCTION_WORDS, NATIONALITIES, NEGATIONS


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


AUXILIARIES = _words(
    """is are was were be been being am has have had do does did can could will would may might
    must shall should isn't aren't wasn't weren't doesn't didn't hasn't can't cannot won't it's
    he's that's there's they're"""
)
# What else makes a sentence of a group of words; past tenses are known by their ending.
VERBS = _words(
    """acts allows appears became becomes began begins belong belongs boil boils border borders
    came carries causes come comes consist consists contain contains cover covers creates
    crystallize crystallizes exist exists extends find finds form forms found gave gives got
    grows has helps hold holds include includes indicates involves know known lacks leads lie
    lies live lives made make makes mean means melt melts needs occur occurs play plays produce
    produces provides ranks react reacts refer refers releases remains represents requires said
    say says serve serves share shares shows speak speaks stand stands take takes took use uses
    works write written"""
)
COPULAS = _words(
    """is are was were be been being isn't aren't wasn't weren't become becomes became
    remains belongs belong called considered classified categorized"""
)
BEFORE_AS = _words('known classified considered regarded categorized recognized described seen')
# They end a complement: what follows them is not what the topic is.
COMPLEMENT_ENDS = _words(
    """with by from for that which who like than between contains contain containing reacts into
    used uses found made such including other where when because derived discovered compound
    compounds composed consisting obtained produced combined combines with without about lacks
    named via through alloy alloys ore ores mixture form forms using isotope isotopes"""
)
OWN_PRONOUNS = _words('it its they their itself')
RELATIVES = _words('which that who whose whom where')
CONJUNCTIONS = _words('but while whereas although though because when however unless until')
AFTER_AND = _words("it its it's he she they this is was has are were lies covers borders")
TITLES = _words(
    """sir dr professor prof mr mrs lord baron count chemist chemists physicist physicists
    scientist scientists mineralogist geologist apothecary alchemist pharmacist astronomer
    botanist inventor researcher researchers engineer doctor physician"""
)
BEFORE_PLACES = _words('at in from near of to inside outside during on within under around for')
ORGANIZATIONS = _words(
    """university institute laboratory laboratories academy college society company corporation
    school museum observatory centre center hospital nobel prize award nasa royal"""
)
DIRECTIONS = _words(
    """northern southern eastern western central north south east west northeast northwest
    southeast southwest northeastern northwestern southeastern southwestern"""
)
CALENDAR = _words(
    """january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday bc ad bce ce"""
)
ORDINALS = {
    'first': 1, 'second': 2, 'third': 3, 'fourth': 4, 'fifth': 5, 'sixth': 6, 'seventh': 7,
    'eighth': 8, 'ninth': 9, 'tenth': 10, 'eleventh': 11, 'twelfth': 12,
}  # fmt: skip
CARDINALS = {
    'zero': 0, 'one': 1, 'two': 2, 'three': 3, 'four': 4, 'five': 5, 'six': 6, 'seven': 7,
    'eight': 8, 'nine': 9, 'ten': 10, 'eleven': 11, 'twelve': 12,
}  # fmt: skip
MAGNITUDES = {'hundred': 1e2, 'thousand': 1e3, 'million': 1e6, 'billion': 1e9, 'trillion': 1e12}
LANGUAGES = _words(
    """latin greek german english french arabic persian swedish spanish italian sanskrit hebrew
    norse anglo-saxon scandinavian russian chinese dutch danish portuguese japanese turkish hindi
    celtic norwegian finnish egyptian old-english"""
)
# They state nothing by themselves, whatever the table is about.
PLAIN = (
    *('first', 'name', 'call', 'known', 'know', 'also', 'fact', 'type', 'kind', 'common', 'year'),
    *('located', 'discover', 'century', 'found', 'considered', 'classif', 'officially', 'indeed'),
    *('approximately', 'roughly', 'near', 'represent', 'refer', 'mainly', 'primarily', 'famous'),
    *('question', 'answer', 'example', 'form', 'include', 'mean', 'word', 'thing', 'information'),
    *(
        'use',
        'natural',
        'scientific',
        'actual',
        'typical',
        'usual',
        'general',
        'denote',
        'official',
    ),
)
NOT_NEGATIONS = re.compile(r'\bnot (?:only|just|until|merely|least|surprising)\w*\b', re.I)
TALK = re.compile(
    r"""\s*(?:
        \#.* | .*[?？:：]["'”’)*\s]*
      | \W*(?:(?:sure|hello|hi|hey|there|yes|no|thanks|thank\ you|sorry|welcome|certainly|ahem
          |of\ course|absolutely|great|indeed)\b\W*)*
        (?:$|(?:i|i['’]m|i['’]ve|we|let\ me|let\ us|let['’]s|feel\ free|here\ (?:is|are)
          |as\ an\ ai|please|if\ you|you|my|(?:this|that)\ is\ an?\ \w+\ question)\b.*)
      )$""",
    re.X | re.I | re.S,
)

__all__ = ['FUNCTION_WORDS', 'NATIONALITIES', 'NEGATIONS']
