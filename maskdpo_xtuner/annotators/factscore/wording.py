"""The project's own demonstrations: sentences of many kinds, each with its atomic facts."""

from __future__ import annotations

DEMONSTRATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        'tungsten',
        'It was isolated in 1783 by two Spanish brothers, and no other metal melts at a higher '
        'temperature.',
        (
            'Tungsten was isolated in 1783.',
            'Tungsten was isolated by two brothers.',
            'The brothers who isolated tungsten were Spanish.',
            'No other metal melts at a higher temperature than tungsten.',
        ),
    ),
    (
        'Lake Titicaca',
        'Lake Titicaca, which Bolivia and Peru share, lies about 3,800 metres above the sea.',
        (
            'Lake Titicaca is a lake.',
            'Bolivia has a part of Lake Titicaca.',
            'Peru has a part of Lake Titicaca.',
            'Lake Titicaca lies about 3,800 metres above the sea.',
        ),
    ),
    (
        'the printing press',
        'Gladly! Here is how printing with movable type came to Europe:',
        (),
    ),
    (
        'Lise Meitner',
        'Born in Vienna, she worked in Berlin with Otto Hahn until 1938, when she fled to Sweden.',
        (
            'Lise Meitner was born in Vienna.',
            'Lise Meitner worked in Berlin.',
            'Lise Meitner worked with Otto Hahn.',
            'Lise Meitner worked with Otto Hahn until 1938.',
            'Lise Meitner fled in 1938.',
            'Lise Meitner fled to Sweden.',
        ),
    ),
    (
        "the Thirty Years' War",
        'The war (1618 - 1648) began in Prague and ended with the Peace of Westphalia.',
        (
            "The Thirty Years' War began in 1618.",
            "The Thirty Years' War ended in 1648.",
            "The Thirty Years' War began in Prague.",
            "The Thirty Years' War ended with the Peace of Westphalia.",
        ),
    ),
    (
        'sourdough',
        "Unlike baker's yeast, a starter also holds lactic acid bacteria, which is why the bread "
        'tastes sour.',
        (
            'A sourdough starter holds lactic acid bacteria.',
            "Baker's yeast does not hold lactic acid bacteria.",
            'Sourdough bread tastes sour.',
            'Sourdough bread tastes sour because of lactic acid bacteria.',
        ),
    ),
    (
        'the violin',
        'A violin has four strings - tuned to G, D, A and E - and is played with a bow or plucked.',
        (
            'A violin has four strings.',
            'The strings of a violin are tuned to G, D, A and E.',
            'A violin is played with a bow.',
            'A violin is played by plucking.',
        ),
    ),
    (
        'the axolotl',
        'It can grow a lost leg again.',
        ('The axolotl can grow a lost leg again.',),
    ),
    (
        'photosynthesis',
        'I hope that this helps, and that you enjoy your course in biology.',
        (),
    ),
    (
        'Nigeria',
        'With more than 200 million people, it is the most populous country of Africa and has had '
        'its capital in Abuja, not in Lagos, since 1991.',
        (
            'Nigeria has more than 200 million people.',
            'Nigeria is the most populous country of Africa.',
            'The capital of Nigeria is Abuja.',
            'Abuja has been the capital of Nigeria since 1991.',
            'Lagos has not been the capital of Nigeria since 1991.',
        ),
    ),
)
