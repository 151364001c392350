"""What a notebook shows where a value stands: token masks in colour, and whole pages."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from maskdpo_xtuner.masking import SIDES, MaskedPair, MaskedResponse, PairConverter, Side
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.reports.tokens import Token, response_tokens

# No style sheet: in a notebook it would hold for everything else, too. Both read well on dark.
_SUPERVISED: dict[Side, str] = {
    'chosen': 'background:#cfe3f8;color:#10243a;border-bottom:2px solid #0b5cad',
    'rejected': 'background:#fbd9c9;color:#3d1607;border-bottom:2px dashed #b3360b',
}


@dataclass(frozen=True)
class Inline:
    """HTML that Jupyter shows in place of the value."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def show_masks(pair: PreferencePair, converter: PairConverter) -> Inline:
    """Show both answers of a pair with the tokens that count in the loss in colour.

    Args:
        pair: to show.
        converter: makes the masks, as the training does.

    Raises:
        ValueError: for a response without an exact mask.
    """
    (masked,) = converter.convert([pair.model_dump(mode='json')], ['the pair'])
    drop = f'<p>not trained on: {escape(masked.drop_reason)}</p>' if masked.drop_reason else ''
    sides = ''.join(_side(side, masked, converter) for side in SIDES)
    return Inline(f'<p><b>{escape(pair.prompt[-1].content)}</b></p>{drop}{sides}')


def _side(side: Side, pair: MaskedPair, converter: PairConverter) -> str:
    masked: MaskedResponse = getattr(pair, side)
    tokens = response_tokens(converter.tokenizer, masked)
    count = sum(token.supervised for token in tokens)
    text = ''.join(_token(token, _SUPERVISED[side]) for token in tokens)
    return (
        f'<p>{side}: {count} of {len(tokens)} tokens count in the loss</p>'
        f'<div style="white-space:pre-wrap;line-height:1.9;overflow-wrap:anywhere">{text}</div>'
    )


def _token(token: Token, style: str) -> str:
    text = escape(token.text)
    return f'<span style="{style}">{text}</span>' if token.supervised else text


def show_page(path: Path | str, height: int = 600) -> Inline:
    """Show a page of this package in a frame of its own, ``height`` pixels high."""
    page = escape(Path(path).read_text(encoding='utf-8'))
    return Inline(
        f'<iframe srcdoc="{page}" style="width:100%;height:{height}px;border:0"></iframe>'
    )
