"""Small lists of English: which words carry a statement and which are only its grammar.

All are of the language and of no document: a word that belongs to one field of knowledge has no
place here.
"""

from __future__ import annotations

from maskdpo_xtuner.annotators import words


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


FUNCTION_WORDS = words.FUNCTION_WORDS - {'made'}
NEGATIONS = words.NEGATIONS | {'non'}
# A sentence that ends in one of these without a full stop was cut.
DANGLING = _words(
    """a about also although an and are as at be because been being between both but by can could
    during each for from had has have he her his if in into is it its made many may more most my
    of often on one or our over she should since some such than that the their these this those
    through to under very was were when where which while who whose will with would known called
    including"""
)
# Words that stand beside a statement without stating anything that a document could hold.
LIGHT_WORDS = _words(
    """able according actual actually additional additionally advise advised allow allows almost
    already alternatively among amount amounts answer apart approximately aspect aspects
    available based basic being belong belonging belongs boast boasts case categories category
    centimeter centimeters centimetre centimetres certain chemical chemically chemist chemists
    class classes classified clear clearly close combination commonly complete completely
    concept concepts condition conditions consequently considerable considered consist consists
    contain contains context continent conversely countries country cover covering covers credit
    credited crucial crucially cubic current currently definite degree degrees depend depending
    describe described description different directly due easily effective effectively
    effectiveness element elements ensure ensuring entire entirely especially essential
    essentially estimated eventually exactly example examples exist exists explain explains
    explicitly fact factor factors facts fairly fall falls famous feature features finally
    following fully furthermore general generally give given gives good gram grams great greatly
    help helpful helping helps high highly home important include included includes including
    indeed independently individual individuals information instance interesting involve
    involves involving item key kilogram kilograms kind kinds known land lie lies like likely
    little live lives locate located lot made main mainly major mean means member members
    mention mentioned mentions meter meters method methods metre metres moreover mostly namely
    nation nations naturally near nearly necessary need needed needs nevertheless normal
    normally notable note numerous object occurring official officially option optionally
    options order original originally overall particular particularly passage passages people
    perhaps person physicist physicists place placed places play plays point popular possess
    possesses possibility possible possibly present primarily primary probably process
    properties property provide provided provides purpose range ranges ranging real reality
    really recommend recommended refer referred refers regard regarding related relatively
    represent represented represents require required requires researcher researchers respective
    respectively result role roughly scale scientific scientist scientists see seen sense series
    serve serves set share shared shares sharing short show shown significant similar simple
    simply single situated slightly so-called sometimes sort span spans specific specifically
    specified specify square stand stands state stated states step steps still substance suggest
    suggested suggests task team terms text thing things thought time today total true truly
    type types typical typically understanding unique usual usually variable variety vital ways
    widely word words work year years yes"""
)
PERSON_WORDS = _words(
    """astronomer botanist chemist doctor engineer explorer geologist inventor mineralogist
    naturalist philosopher physicist professor researcher scientist sir lord dr mr mrs ms"""
)
# Forms that mean the same when a fact is told; the first is what all are read as.
_SAME = """
    population inhabitants inhabitant populated populous residents citizens
    border borders bordered bordering neighbour neighbours neighbor neighbors neighbouring
        neighboring adjoins boundary
    discover discovered discovers discovery discoverer discoverers discovering isolated isolate
        isolates identified unearthed
    name named names naming etymology
    origin originates originated derive derives derived originate comes
    language languages speak speaks spoken tongue tongues
    currency money
    use used uses using usage application applications utilized employed
    produce produced produces production producing obtained manufactured
    occur occurs occurring occurrence
    color colour colors colours coloured colored
    gray grey
    weight mass
    atom atomic
    melt melts melting
    boil boils boiling
    area surface
    large larger largest big biggest
    radioactive radioactivity
    hard hardness
    symbol symbols abbreviation abbreviated denoted
    phone telephone
    metal metals metallic
    nature natural naturally
    family families group groups
    aluminum aluminium
"""


def _synonyms(groups: str) -> dict[str, str]:
    lines = groups.replace('\n        ', ' ').split('\n')
    return {word: line.split()[0] for line in lines if line.split() for word in line.split()}


SYNONYMS = _synonyms(_SAME)

AUXILIARIES = _words(
    """am are be been can could did do does had has have is may might must shall should was were
    will would isn aren wasn weren doesn didn don hasn haven couldn wouldn cannot"""
)
COPULAS = _words('am are be been is was were became become becomes remains has have had having')
# Verbs before what the subject is.
DESCRIBING = COPULAS | _words('belong belongs lie lies stand stands')
DETERMINERS = _words(
    """a an the this that these those its his her their our my your some any no each every of
    other many several various"""
)
PREPOSITIONS = _words('at by for from in into on than through to under with without')
PRONOUNS = _words('it they he she this these that those its their his her them him there here')
_VERBS = """
    add allow appear apply ask associate attract become begin believe belong boast boil border
    bring build burn call cause cite compose comprise conduct confirm connect consist contain
    continue count cover create cross crystallize decide define denote derive describe detect
    determine develop differ discover display dissolve divide draw earn emit enable end
    establish estimate exceed exist express extend extract feature flow follow form found gain
    give glow govern grow happen help hold host house identify improve include increase
    indicate inhabit introduce invent involve isolate join keep label lack last lead lie list
    live locate love lower maintain mark measure melt mention mine move name need neighbor
    neighbour number obtain occupy occur offer operate originate own perform play possess
    power predict prepare prevent produce prove provide publish range rank reach react receive
    recognize reduce refer reflect release remain remove replace report represent require
    resemble resist result reveal rise rule run save separate serve share show situate speak
    stand start state store suggest supply support surround symbolize synthesize take tend
    total travel turn use utilize vary want weigh work yield
"""
_IRREGULAR = _words(
    """became began built came drew fell gave went grew held kept knew known lay led left lies lay
    made makes met ran rose said saw seen shown spoke spoken stood took taken told was went won
    wrote written found comes gets goes makes says sees takes gives lives means"""
)


def _inflected(verb: str) -> list[str]:
    if verb.endswith('e'):
        return [verb + 's', verb + 'd']
    if verb.endswith('y') and verb[-2] not in 'aeiou':
        return [verb[:-1] + 'ies', verb[:-1] + 'ied']
    ending = 'es' if verb.endswith(('s', 'sh', 'ch', 'x')) else 's'
    return [verb + ending, verb + 'ed']


BARE_VERBS = _words(_VERBS)
VERBS = AUXILIARIES | _IRREGULAR | {form for verb in BARE_VERBS for form in _inflected(verb)}
DIRECTIONS = _words(
    """north south east west northern southern eastern western northeast northwest southeast
    southwest northeastern northwestern southeastern southwestern central new upper lower"""
)
NUMBER_WORDS = {
    'two': 2, 'three': 3, 'four': 4, 'five': 5, 'six': 6, 'seven': 7, 'eight': 8, 'nine': 9,
    'ten': 10, 'eleven': 11, 'twelve': 12,
}  # fmt: skip
SCALES = {'thousand': 1e3, 'million': 1e6, 'billion': 1e9, 'trillion': 1e12}
UNITS = {
    'k': 'K', 'kelvin': 'K', 'kelvins': 'K', '°c': 'C', 'c': 'C', 'celsius': 'C', 'centigrade': 'C',
    '°f': 'F', 'f': 'F', 'fahrenheit': 'F', '%': '%', 'percent': '%', 'km': 'km', 'kg': 'kg',
    'km2': 'square km', 'mi2': 'square mi', 'kilometer': 'km', 'kilometers': 'km',
    'kilometre': 'km', 'kilometres': 'km', 'm': 'm', 'meters': 'm', 'metres': 'm', 'mi': 'mi',
    'miles': 'mi',
    'years': 'a', 'days': 'd', 'hours': 'h',
}  # fmt: skip

SYMMETRIC = _words('border')
BE = _words('is are was were be been being became becomes')
# Verbs that a noun beside them says as well: "uses the krone as its currency".
SUPPORT_VERBS = _words('use found represent hold operate employ call give follow')
# What a statement with the first also says: what occurs somewhere is found there.
ENTAILED = {
    'discovered': 'found', 'occurs': 'found', 'extracted': 'found', 'made': 'produced',
    'origin': 'named',
}  # fmt: skip
COORDINATIONS = _words('and but or')
SUBORDINATIONS = _words('which who whereas while because although though where when')
PERSONAL_PRONOUNS = _words('it they he she')
POSSESSIVES = _words('its their his her whose')
