"""WebVTT (https://www.w3.org/TR/webvtt1/): cues out of a file that somebody uploads, and into one.

Of an uploaded file only times and text are kept; styles, regions and positions are passed over.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Four digits of hours are more than a year.
_TIMING: Final = re.compile(
    r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]+-->[ \t]+"
    r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t].*)?"
)
# Without a second "<" in it: looking for the end of each of many would take hours.
_TAG: Final = re.compile(r"<[^<>\n]*>")
# A character that there can't be; its number may be too long to be read.
_NO_CHARACTER: Final = re.compile(r"\x00|&#[0-9]{8,};?")


class NotWebVTT(ValueError):
    """The file can't be read; `line` is where, from 1, and `reason` a word for what is wrong."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True)
class Cue:
    start_ms: int
    end_ms: int
    text: str


def read(text: str) -> list[Cue]:
    """Return the cues of a WebVTT file in their order.

    :raises NotWebVTT: it has no header, a timing that can't be read, or one that ends too early
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise NotWebVTT(1, "header")
    cues: list[Cue] = []
    number = 1
    while number < len(lines):
        block_starts = number
        while number < len(lines) and lines[number]:
            number += 1
        cue = _cue(lines[block_starts:number], block_starts + 1)
        if cue is not None and block_starts > 1:
            cues.append(cue)
        number += 1
    return cues


def _cue(block: list[str], first_line: int) -> Cue | None:
    at = next((index for index, line in enumerate(block) if "-->" in line), None)
    if at is None or at > 1 or re.match(r"NOTE(?:[ \t]|$)", block[0]):
        # A comment, a style, a region, or what follows the header.
        return None
    timing = _TIMING.fullmatch(block[at].strip())
    if timing is None:
        raise NotWebVTT(first_line + at, "timing")
    start, end = _ms(*timing.groups()[:4]), _ms(*timing.groups()[4:])
    if end <= start:
        raise NotWebVTT(first_line + at, "order")
    words = "\n".join(_text(line) for line in block[at + 1 :])
    return Cue(start, end, words.strip())


def _text(line: str) -> str:
    return html.unescape(_NO_CHARACTER.sub("\ufffd", _TAG.sub("", line))).strip()


def _ms(hours: str | None, minutes: str, seconds: str, thousandths: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)


def write(cues: Iterable[Cue]) -> str:
    """Return a WebVTT file."""
    blocks = ["WEBVTT"]
    for cue in cues:
        text = re.sub(r"\n\s*\n+", "\n", html.escape(cue.text.strip(), quote=False))
        blocks.append(f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _clock(ms: int) -> str:
    seconds, thousandths = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
