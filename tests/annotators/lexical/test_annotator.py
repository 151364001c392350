"""LexicalAnnotator: labels and points on a document small enough to judge by eye."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators import LexicalAnnotator
from maskdpo_xtuner.builtin.elements import element_questions
from maskdpo_xtuner.records import Label, Question, Sentence
from maskdpo_xtuner.splitters import split_sentences

ASTATINE = Question(
    question_id='q',
    question='Who discovered the element astatine, and when was it discovered?',
    document='Astatine is a chemical element with the symbol At and the atomic number 85. '
    'It is radioactive. It is one of the halogens. '
    'Astatine was discovered by D. R. Corson, K. R. MacKenzie, E. Segré in 1940 (United States). '
    'It melts at 302.00 °C. It does not occur in nature. The name comes from Greek: astatos '
    '(unstable). It is named in honor of Poland.',
    language='en',
    topic='Astatine',
)
ZH = Question(
    question_id='zh',
    question='砹是谁在什么时候发现的？',
    document='砹是一种放射性卤素元素，原子序数为85。砹于1940年由科森、麦肯齐和塞格雷在美国发现。'
    '砹不存在于自然界中。它的名称来自希腊语“不稳定”。',
    language='zh',
    topic='砹',
)


NORWAY = Question(
    question_id='norway',
    question='What do you know about Norway?',
    document='Norway borders Finland, Russia and Sweden. Its capital is Oslo. Its official '
    'languages are Norwegian and Sami. It lies in Northern Europe. It has about 5.4 million '
    'inhabitants.',
    language='en',
    topic='Norway',
)


def label(sentence: str, question: Question = ASTATINE) -> Label:
    return LexicalAnnotator().label(question, sentence)[0]


@pytest.mark.parametrize(
    'sentence',
    [
        'Hello!',
        'Sure, here is what I found.',
        "I don't know who discovered it.",
        'I hope this helps!',
        'Let me know if you have questions.',
        'Do you want to know more about Paris?',
        'Here are some facts from 1776:',
        '**Discovery**',
        '## History of Rome',
        'Astatine was discovered.',
        '...',
    ],
)
def test_talk_has_no_facts(sentence: str) -> None:
    assert label(sentence) is Label.NO_FACTS


@pytest.mark.parametrize(
    'sentence',
    [
        'Astatine was discovered in 1940 by Dale R. Corson, Kenneth MacKenzie and Emilio Segrè.',
        'It was discovered in 1940.',
        'It is a radioactive halogen.',
        'Its atomic number is 85 and its symbol is At.',
        'It melts at 302 °C.',
        'Astatine does not occur in nature.',
        'Astatine is a halogen that was found in 1940.',
        'Its name comes from the Greek word for unstable.',
    ],
)
def test_what_the_document_says_is_no_hallucination(sentence: str) -> None:
    assert label(sentence) is Label.NO_HALLUCINATION


@pytest.mark.parametrize(
    'sentence',
    [
        'Astatine was discovered in 1898.',
        'Astatine was discovered by Marie Curie.',
        'Astatine was discovered by the French chemist Henri Moissan in 1940.',
        'It was discovered in Poland.',
        'Its atomic number is 86.',
        'It melts at 500 °C.',
        'It is not radioactive.',
        'Astatine occurs in nature.',
    ],
)
def test_another_number_name_or_negation_is_contradictory(sentence: str) -> None:
    assert label(sentence) is Label.CONTRADICTORY


@pytest.mark.parametrize(
    'sentence',
    [
        'It is used as a fuel in nuclear reactors.',
        'The crust holds less than 30 grams.',
        'Rockets burn it.',
        'He was a professor at Jena.',
    ],
)
def test_what_the_document_does_not_speak_of_is_unverifiable(sentence: str) -> None:
    assert label(sentence) is Label.UNVERIFIABLE


@pytest.mark.parametrize(
    'sentence',
    [
        'Norway is a country located in Northern Europe.',
        'The country has a population of 5.4 million.',
        'About 5.4 million people live in Norway.',
        "Norway's capital city is Oslo.",
        'Oslo is the capital of Norway.',
        'It shares borders with Sweden, Finland and Russia.',
        'Sweden borders Norway.',
        'Norway is a neighbour of Russia.',
        'Sami and Norwegian are the official languages of Norway.',
        'Norway lies in Northern Europe and its capital is Oslo.',
        'Norway, whose capital is Oslo, is situated in Northern Europe.',
    ],
)
def test_other_words_for_what_a_point_says_are_held(sentence: str) -> None:
    assert label(sentence, NORWAY) is Label.NO_HALLUCINATION


@pytest.mark.parametrize(
    'sentence',
    [
        'The official languages of Norway are Russian and Sami.',
        'Finland has about 5.4 million inhabitants.',
        'Oslo has about 5.4 million inhabitants.',
        'Its capital has about 5.4 million inhabitants.',
        'The capital of Norway is not Oslo.',
        'The capital of Norway is Sweden.',
        'The capital of Sweden is Oslo.',
        'Norway is the capital of Oslo.',
        'Norway does not border Sweden.',
        'Norway lies in Russia.',
        'Finland borders Norway, Russia and Sweden.',
        'Norway, Russia and Sweden border Finland.',
        'Norway lies in Northern Europe and its capital is Helsinki.',
        'It lies in Southern Europe.',
        'It has 9 million inhabitants.',
        'It has about 5.4 million languages.',
    ],
)
def test_words_of_the_document_in_other_roles_are_not_held(sentence: str) -> None:
    assert label(sentence, NORWAY).is_hallucination


@pytest.mark.parametrize(
    'sentence',
    [
        'The capital city of',
        'Its capital is the',
        'The official languages of Norway are',
        'Norway is a country that is',
        '8. Sweden',
        '- Oslo',
        'Norwegian',
        'Norway.',
    ],
)
def test_what_states_nothing_has_no_facts(sentence: str) -> None:
    assert label(sentence, NORWAY) is Label.NO_FACTS


def about(topic: str, document: str) -> Question:
    question = f'What do you know about {topic}?'
    return NORWAY.model_copy(update={'topic': topic, 'question': question, 'document': document})


SUDAN = about(
    'Sudan',
    'Sudan is a country in Africa. The capital of Sudan is Khartoum. Sudan borders Chad, Egypt '
    'and South Sudan.',
)
SOUTH_SUDAN = about(
    'South Sudan',
    'The capital of South Sudan is Juba. South Sudan borders Kenya, Sudan and Uganda.',
)
CONGO = about(
    'Republic of the Congo',
    'The capital of the Republic of the Congo is Brazzaville. The Republic of the Congo borders '
    'Angola, Democratic Republic of the Congo and Gabon.',
)
GUINEA = about('Guinea', 'The capital of Guinea is Conakry. Guinea borders Guinea-Bissau and Mali.')


@pytest.mark.parametrize(
    ('question', 'sentence', 'is_held'),
    [
        (SUDAN, 'The capital of Sudan is Khartoum.', True),
        (SUDAN, 'Sudan borders South Sudan.', True),
        (SUDAN, 'The capital of South Sudan is Khartoum.', False),
        (SUDAN, 'South Sudan borders Egypt.', False),
        (SOUTH_SUDAN, 'South Sudan borders Sudan.', True),
        (SOUTH_SUDAN, 'The capital of Sudan is Juba.', False),
        (SOUTH_SUDAN, 'Sudan borders Kenya.', False),
        (CONGO, 'The Republic of the Congo borders the Democratic Republic of the Congo.', True),
        (CONGO, 'The Democratic Republic of the Congo borders Gabon.', False),
        (CONGO, 'The capital of the Democratic Republic of the Congo is Brazzaville.', False),
        (GUINEA, 'Guinea borders Guinea-Bissau.', True),
        (GUINEA, 'Guinea-Bissau borders Mali.', False),
        (GUINEA, 'The capital of Equatorial Guinea is Conakry.', False),
        (GUINEA, 'The capital of Guinea is Guinea.', False),
    ],
)
def test_a_name_within_another_name_is_another(
    question: Question, sentence: str, is_held: bool
) -> None:
    assert (label(sentence, question) is Label.NO_HALLUCINATION) is is_held


@pytest.mark.parametrize(
    'sentence',
    [
        'The symbol for astatine is Astatine (At).',
        'The symbol of astatine is astatine.',
        'It is a halogen with the symbol astatine.',
        'Astatine is the symbol of astatine.',
    ],
)
def test_the_topic_is_no_value_of_its_own_properties(sentence: str) -> None:
    assert label(sentence) is not Label.NO_HALLUCINATION


@pytest.mark.parametrize(
    'sentence',
    ['It has a symbol.', 'Astatine is an element with a symbol.', 'The name of the element.'],
)
def test_a_property_without_its_value_states_nothing(sentence: str) -> None:
    assert label(sentence) is Label.NO_FACTS


BORON = about(
    'boron',
    'Boron is one of the metalloids. Amorphous boron is brown. Metallic boron is black. '
    'Present in water. Its lustre is vitreous, and its fracture is uneven. It melts at 2076 °C. '
    'Its hardness is 9. Uses: Steel, glass. It is not a metal. '
    'Hard black solid, belongs to the metalloids.',
)


@pytest.mark.parametrize(
    ('sentence', 'is_held'),
    [
        ('Boron is a member of the metalloid group.', True),
        ('It is a hard metalloid.', True),
        ('Boron is brown.', False),
        ('Boron is water.', False),
        ('Boron is present in water.', True),
        ('It has a vitreous lustre.', True),
        ('Its fracture is vitreous.', False),
        ('Boron is used in glass.', True),
        ('Boron is a nonmetal.', True),
        ('Boron is a non-metal.', True),
        ('Boron is a metal.', False),
        ('Boron is not a metal.', True),
        ('It melts at 2076.', False),
        ('It melts at 2,076 degrees Celsius.', True),
        ('Its hardness is 9.2.', False),
        ('Quartz is a metalloid that has a vitreous lustre.', False),
    ],
)
def test_what_a_topic_is_or_has_is_told_of_it_and_in_one_place(
    sentence: str, is_held: bool
) -> None:
    assert (label(sentence, BORON) is Label.NO_HALLUCINATION) is is_held


def test_the_adjective_of_the_topic_names_the_topic() -> None:
    document = 'The currency of Norway is the krone (NOK). Its language is Norwegian.'
    question = about('Norway', document)
    for held in (
        'Norway uses the Norwegian krone.',
        'The Norwegian Krone is the currency of Norway.',
        'Its language is Norwegian.',
    ):
        assert label(held, question) is Label.NO_HALLUCINATION
    for wrong in ('Its language is Swedish.', 'Norway uses the Swedish Krone.'):
        assert label(wrong, question).is_hallucination


def test_where_a_person_comes_from_is_not_where_a_thing_was_found() -> None:
    question = about('boron', 'Boron was discovered by Hennig Brand in 1808 (Germany).')
    assert label('Boron was discovered by Hennig Brand.', question) is Label.NO_HALLUCINATION
    assert label('Boron was discovered by the German chemist Brand.', question).is_hallucination


def test_of_the_last_sentence_cut_only_what_came_before_counts() -> None:
    annotator = LexicalAnnotator()
    cut = 'Norway is known for its deep fjo'
    assert annotator.label(NORWAY, cut, is_last=True)[0] is Label.NO_FACTS
    assert annotator.label(NORWAY, cut)[0] is Label.UNVERIFIABLE
    wrong = 'The capital of Norway is Bergen and it bord'
    assert annotator.label(NORWAY, wrong, is_last=True)[0] is Label.CONTRADICTORY
    held = 'The capital of Norway is Oslo and it bord'
    assert annotator.label(NORWAY, held, is_last=True)[0] is Label.NO_HALLUCINATION


def test_the_last_word_of_the_last_sentence_cut_states_nothing() -> None:
    for cut in ('It has about 5', 'The capital of Norway is Oslo'):
        assert LexicalAnnotator().label(NORWAY, cut, is_last=True)[0] is Label.NO_FACTS
        assert LexicalAnnotator().label(NORWAY, cut)[0] is not Label.NO_FACTS


def test_it_is_the_subject_of_the_sentence_before() -> None:
    document = 'Norway lies in Europe. Bergen is an old harbour. It has 280,000 inhabitants.'
    question = NORWAY.model_copy(update={'document': document})
    assert label('Norway has 280,000 inhabitants.', question).is_hallucination
    assert label('Bergen has 280,000 inhabitants.', question) is Label.NO_HALLUCINATION


def test_passages_that_do_not_name_the_topic_are_compared_by_words() -> None:
    question = NORWAY.model_copy(update={'topic': 'travel/17'})
    sentence = 'Based on the given passages, the languages there are Norwegian and Sami.'
    assert label(sentence, question) is Label.NO_HALLUCINATION
    assert label('The passages do not say when to go.', question) is Label.NO_FACTS
    assert label('Trolls guard the bridges.', question) is Label.UNVERIFIABLE


def test_thanks_to_a_property_is_no_talk() -> None:
    assert label('Thanks to its glow, it lights rockets.') is Label.UNVERIFIABLE


@pytest.mark.parametrize(
    ('sentence', 'expected'),
    [
        ('你好！', Label.NO_FACTS),
        ('我不知道。', Label.NO_FACTS),
        ('砹由科森、麦肯齐和塞格雷于1940年发现。', Label.NO_HALLUCINATION),
        ('它的名称来自希腊语。', Label.NO_HALLUCINATION),
        ('砹于1898年由居里夫人发现。', Label.CONTRADICTORY),
        ('砹的原子序数为86。', Label.CONTRADICTORY),
        ('砹存在于自然界中。', Label.CONTRADICTORY),
        ('砹被用于制造汽车。', Label.UNVERIFIABLE),
    ],
)
def test_chinese(sentence: str, expected: Label) -> None:
    assert label(sentence, ZH) is expected


def test_points_are_sentences_of_the_document() -> None:
    sentence = 'Astatine, a radioactive halogen, was discovered in 1940 by Segrè.'
    _, points = LexicalAnnotator().label(ASTATINE, sentence)
    assert points == (
        'Astatine was discovered by D. R. Corson, K. R. MacKenzie, E. Segré in 1940 '
        '(United States).',
        'It is radioactive.',
        'It is one of the halogens.',
    )  # each adds something, the one that adds most first
    assert LexicalAnnotator(max_points=1).label(ASTATINE, sentence)[1] == points[:1]


def test_a_number_or_a_misspelt_name_alone_has_its_point_too() -> None:
    _, points = LexicalAnnotator().label(ASTATINE, 'It was found in 1940.')
    assert points == LexicalAnnotator().label(ASTATINE, 'It was found by Emilio Segrey.')[1]
    assert 'Segré in 1940' in points[0]


def test_a_contradiction_names_the_point_it_contradicts() -> None:
    _, points = LexicalAnnotator().label(ASTATINE, 'Its atomic number is 86.')
    assert points == (ASTATINE.document.partition(' It is radio')[0],)


def test_the_point_named_is_the_one_that_shares_most_with_the_sentence() -> None:
    document = 'A halogen of mass number 210. Astatine has the atomic number 85.'
    question = ASTATINE.model_copy(update={'document': document})
    _, points = LexicalAnnotator().label(question, 'Its atomic number is 86.')
    assert points == ('Astatine has the atomic number 85.',)


def test_a_name_beside_one_that_agrees_adds_and_does_not_contradict() -> None:
    assert label('It was discovered in Berkeley in the United States.') is Label.UNVERIFIABLE
    assert label('It was discovered in Berkeley.') is Label.CONTRADICTORY


def test_an_unverifiable_sentence_rests_on_nothing() -> None:
    assert LexicalAnnotator().label(ASTATINE, 'It powers rockets.')[1] == ()


def test_judge_returns_without_asking_an_engine() -> None:
    annotator = LexicalAnnotator()
    text = 'Hello! It melts at 302 °C.'
    dialogue = annotator.judge(ASTATINE, text, (7, len(text)))
    with pytest.raises(StopIteration) as stopped:
        next(dialogue)
    assert stopped.value.value == Sentence(
        start=7,
        end=len(text),
        label=Label.NO_HALLUCINATION,
        points=('It melts at 302.00 °C.',),
    )


def test_the_identity_tells_parameters_apart() -> None:
    assert LexicalAnnotator().identity == LexicalAnnotator().identity
    assert LexicalAnnotator(min_coverage=0.9).identity != LexicalAnnotator().identity
    assert LexicalAnnotator().identity['name'] == 'lexical'


def test_a_stricter_coverage_supports_less() -> None:
    sentence = 'It is a shiny radioactive halogen.'
    assert label(sentence) is Label.UNVERIFIABLE
    lenient = LexicalAnnotator(min_coverage=0.6)
    assert lenient.label(ASTATINE, sentence)[0] is Label.NO_HALLUCINATION


def test_answers_about_an_element_are_told_apart_by_score() -> None:
    everything = element_questions('train') + element_questions('test')
    (question,) = (q for q in everything if q.question_id == 'elements/sodium/discovery')
    responses = [
        'Sodium was discovered by Sir Humphry Davy in 1807.',
        'Sodium was discovered by Humphry Davy. He found it in 1923.',
        'Sodium was discovered by Isaac Newton in 1666. It is used in rocket engines.',
    ]
    scores = []
    for response in responses:
        spans = split_sentences(response, 'en')
        wrong = sum(label(response[start:end], question).is_hallucination for start, end in spans)
        scores.append(1 - wrong / len(spans))
    assert scores == [1.0, 0.5, 0.0]
