"""Captions: lines that are heard live, and files that are uploaded."""

import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.media import webvtt
from creators.media.models import Caption, Segment, Stream
from creators.media.timeline import Timeline
from shops.facts.refused import Invalid, NotFound

LONGEST_CAPTION: Final = 500
MOST_CUES: Final = 20_000
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?")
_REASONS: Final = {
    "header": _("Line %(line)d: a WebVTT file begins with the word WEBVTT."),
    "timing": _("Line %(line)d: the times can't be read. They look like 00:01.000 --> 00:03.500."),
    "order": _("Line %(line)d: a caption must end after it begins."),
    "empty": _("There is no caption in this file."),
    "many": _("There are too many captions in this file."),
    "language": _("Say the language in two letters, such as en."),
    "long": _("A caption is longer than 500 characters."),
}


class BadCaptions(Invalid):
    code = "bad_captions"
    message = _("These captions can't be used.")


def _refuse(reason: str, *, line: int = 0) -> BadCaptions:
    return BadCaptions(str(_REASONS[reason]) % {"line": line}, line=line, reason=reason)


def _check(language: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise _refuse("language")


def add_caption(
    *,
    stream_id: UUID,
    language: str,
    text: str,
    starts_at: datetime,
    ends_at: datetime,
    source: Caption.Source,
    now: datetime,
) -> Caption:
    """Keep a line of what was said, by the clock of the pictures.

    :raises NotFound: there is no such stream, or it was erased
    :raises BadCaptions: no such language, no text, too long, or it ends before it begins
    """
    _check(language)
    if ends_at <= starts_at:
        raise _refuse("order")
    words = text.strip()
    if not words:
        raise _refuse("empty")
    if len(words) > LONGEST_CAPTION:
        raise _refuse("long")
    if not Stream.objects.filter(pk=stream_id, erased_at__isnull=True).exists():
        raise NotFound
    return Caption.objects.create(
        stream_id=stream_id,
        language=language,
        text=words,
        starts_at=starts_at,
        ends_at=ends_at,
        source=source,
    )


@transaction.atomic
def replace_captions(
    *, stream_id: UUID, language: str, vtt: str, starts_at: datetime, now: datetime
) -> int:
    """Put an uploaded WebVTT file in the place of all captions of its language.

    Its times count from `starts_at`, the first picture of the replay that it was written for, and
    pass over the pauses in which no picture came, as the replay does.

    :raises NotFound: there is no such stream, or it was erased
    :raises BadCaptions: the file can't be read; the message names the line
    """
    _check(language)
    try:
        cues = [cue for cue in webvtt.read(vtt) if cue.text]
    except webvtt.NotWebVTT as error:
        raise _refuse(error.reason, line=error.line) from error
    if not cues:
        raise _refuse("empty")
    if len(cues) > MOST_CUES:
        raise _refuse("many")
    if any(len(cue.text) > LONGEST_CAPTION for cue in cues):
        raise _refuse("long")
    if not Stream.objects.filter(pk=stream_id, erased_at__isnull=True).exists():
        raise NotFound
    kept = Segment.objects.filter(stream_id=stream_id).order_by("starts_at")
    timeline = Timeline(one for one in kept if one.ends_at > starts_at)
    begin = timeline.position_ms(starts_at)

    def instant(position_ms: int) -> datetime:
        at = timeline.instant(begin + position_ms)
        return at or starts_at + timedelta(milliseconds=position_ms)

    Caption.objects.filter(stream_id=stream_id, language=language).delete()
    lines = []
    for cue in cues:
        first = instant(cue.start_ms)
        lines.append(
            Caption(
                stream_id=stream_id,
                language=language,
                source=Caption.Source.UPLOAD,
                starts_at=first,
                ends_at=first + timedelta(milliseconds=cue.end_ms - cue.start_ms),
                text=cue.text,
            )
        )
    Caption.objects.bulk_create(lines, batch_size=1000)
    return len(lines)
