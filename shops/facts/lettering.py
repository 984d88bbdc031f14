"""Letters of PDFs: people's names in any script, each stretch in a font that has its letters."""

import unicodedata
from functools import cache
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from django.conf import settings
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

TEXT: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
# Adobe's names of the fonts that every reader brings for these scripts; nothing is embedded.
_CHINESE: Final = "STSong-Light"
_JAPANESE: Final = "HeiseiMin-W3"
_KOREAN: Final = "HYSMyeongJo-Medium"


@cache
def register() -> None:
    """Make the fonts known to the PDF library, once in a process."""
    folder = settings.NPM_ROOT / "dejavu-fonts-ttf" / "ttf"
    for name in (TEXT, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(TEXT, normal=TEXT, bold=BOLD, italic=TEXT, boldItalic=BOLD)
    for name in (_CHINESE, _JAPANESE, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def in_fonts(text: str, font: str) -> str:
    """Mark up each stretch of a text with a font that has its letters."""
    plain = "".join(letter for letter in text if unicodedata.category(letter) != "Cc")
    asian = _asian_font(plain)
    parts = []
    for is_asian, letters in groupby(plain, key=_is_asian):
        words = escape("".join(letters))
        parts.append(f'<font name="{asian}">{words}</font>' if is_asian else words)
    return "".join(parts)


def _asian_font(text: str) -> str:
    """Choose by what only one language writes; Han alone is taken for Chinese."""
    if any("\u3040" <= letter <= "\u30ff" for letter in text):
        return _JAPANESE
    if any("\uac00" <= letter <= "\ud7a3" or "\u1100" <= letter <= "\u11ff" for letter in text):
        return _KOREAN
    return _CHINESE


def _is_asian(letter: str) -> bool:
    return (
        "\u1100" <= letter <= "\u11ff"
        or "\u2e80" <= letter <= "\u9fff"
        or "\uac00" <= letter <= "\ud7a3"
        or "\uf900" <= letter <= "\ufaff"
        or "\uff00" <= letter <= "\uffef"
    )
