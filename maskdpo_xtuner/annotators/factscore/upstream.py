"""The demonstrations that FActScore was released with, as data beside their licence.

``python -m factscore.download_data`` in a checkout of https://github.com/shmsw25/FActScore puts
them at `PLACES`: ``demons.json`` for biographies, an object of facts by sentence.
"""

from __future__ import annotations

import json
from pathlib import Path

from maskdpo_xtuner.annotators.factscore.demonstrations import Demonstration, Demonstrations

PLACES = (Path('.cache/factscore/demos/demons.json'), Path('demos/demons.json'))
LICENCE = 'LICENSE'


def read_official_demonstrations(
    source: Path | str, licence: Path | str | None = None
) -> Demonstrations:
    """Read the demonstrations of a checkout with its data, or of a file.

    Args:
        source: the checkout, or ``demons.json``.
        licence: the file of the licence; None for the one of the checkout.

    Raises:
        ValueError: naming the file, when either is missing or the demonstrations have another form.
    """
    source = Path(source)
    path = _find(source) if source.is_dir() else source
    text = _licence_of(source, Path(licence) if licence else None)
    try:
        by_sentence: dict[str, list[str]] = json.loads(path.read_text(encoding='utf-8'))
        found = tuple(
            Demonstration(sentence=sentence, facts=tuple(facts))
            for sentence, facts in by_sentence.items()
        )
    except OSError as error:
        raise ValueError(f'{path}: there is no such file') from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f'{path}: not an object of facts by sentence ({error})') from error
    if not found:
        raise ValueError(f'{path}: there are no demonstrations')
    return Demonstrations(found, f'FActScore {path.name}', text)


def _find(checkout: Path) -> Path:
    for place in PLACES:
        if (checkout / place).is_file():
            return checkout / place
    raise ValueError(
        f'{checkout}: there is no {" or ".join(map(str, PLACES))}; get the data with `python -m '
        'factscore.download_data`, or name the file'
    )


def _licence_of(source: Path, licence: Path | None) -> str:
    path = licence or (source if source.is_dir() else source.parent) / LICENCE
    if not path.is_file():
        raise ValueError(f'{path}: there is no such file; name the licence of the demonstrations')
    return path.read_text(encoding='utf-8')
