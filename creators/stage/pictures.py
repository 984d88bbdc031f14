"""What the stage tells of a show's picture: whether there is one, what is said, what is wrong.

Viewers have a picture while the show is live; what a host sends before is its own preview. The
playlist of a picture that everybody may see travels with the room's events; that of another one is
signed and told to each viewer by itself (`url_for`), never to a room.
"""

from datetime import datetime, timedelta
from typing import Literal

from django.utils.translation import gettext_lazy as _

from creators.chat.words import clean
from creators.live.models import LiveSession
from creators.media import queries as media
from creators.media import services
from creators.media.models import Caption
from creators.media.publishing import TEXTS
from creators.stage import wire
from creators.stage.times import ms, ms_or_none
from shops.facts.refused import Invalid, NotAllowed, Refused

SHORTEST_CAPTION = timedelta(seconds=1)


class NoPicture(Refused):
    code = "no_picture"
    message = _("Captions can be given while the show is live.")


def _session(piece_id: int) -> LiveSession:
    """Read a show and its stream in one moment."""
    return LiveSession.objects.select_related("stream").get(pk=piece_id)


def piece_of(stream_id: str) -> int | None:
    """Find the show that a stream is the picture of."""
    return LiveSession.objects.filter(stream_id=stream_id).values_list("pk", flat=True).first()


def picture_card(piece_id: int, *, now: datetime) -> wire.PictureCard:
    """Tell what viewers see; `rev` is the latest instant at which that may have changed."""
    session = _session(piece_id)
    stream = session.stream
    moments = [session.started_at, session.ended_at]
    state: Literal["none", "on", "lost"] = "none"
    since = None
    url = ""
    if stream is not None:
        moments += [stream.receiving_since, stream.lost_at]
        if session.is_live:
            if stream.is_receiving:
                state, since = "on", stream.receiving_since
            elif stream.lost_at is not None:
                state, since = "lost", stream.lost_at
            if not stream.is_private:
                url = media.playback_url(stream, now=now)
    return wire.PictureCard(
        state=state,
        since=ms_or_none(since),
        url=url,
        rev=max((ms(moment) for moment in moments if moment is not None), default=0),
    )


def url_for(piece_id: int, *, is_host: bool, now: datetime) -> str:
    """Return the signed playlist of a picture that not everybody may see, for one who may.

    It works for half a day at least; "" when everybody may see it, or there is nothing to see yet.
    """
    session = _session(piece_id)
    stream = session.stream
    if stream is None or not stream.is_private or not session.is_live:
        return ""
    return media.playback_url(stream, now=now, host=is_host)


def caption_card(caption: Caption) -> wire.CaptionCard:
    return wire.CaptionCard(
        id=caption.pk,
        text=caption.text,
        lang=caption.language,
        starts_at=ms(caption.starts_at),
        ends_at=ms(caption.ends_at),
    )


def newest_caption(piece_id: int) -> wire.CaptionCard | None:
    heard = Caption.objects.filter(stream__session=piece_id, source=Caption.Source.SPEECH)
    newest = heard.order_by("-starts_at", "-pk").first()
    return None if newest is None else caption_card(newest)


def trouble_card(piece_id: int) -> wire.TroubleCard:
    """Tell why the publisher was refused, in the language of who asks."""
    stream = _session(piece_id).stream
    if stream is None or not stream.trouble_code:
        return wire.TroubleCard(code="", text="", since=None)
    return wire.TroubleCard(
        code=stream.trouble_code,
        text=str(TEXTS.get(stream.trouble_code, stream.trouble_code)),
        since=ms_or_none(stream.trouble_at),
    )


def say_caption(
    *, piece_id: int, is_host: bool, text: str, lang: str, spoken_ms: int, now: datetime
) -> wire.CaptionCard:
    """Keep what the host just said as a caption of the picture.

    :raises NotAllowed: somebody else than the host says it
    :raises NoPicture: the show is not live, or has no picture
    :raises Invalid: nothing that can be read is left of the text
    """
    if not is_host:
        raise NotAllowed
    session = _session(piece_id)
    if session.stream_id is None or not session.is_live:
        raise NoPicture
    words = clean(text)
    if not words:
        raise Invalid
    starts_at = now - timedelta(milliseconds=spoken_ms)
    return caption_card(
        services.add_caption(
            stream_id=session.stream_id,
            language=lang,
            text=words,
            starts_at=starts_at,
            ends_at=max(now, starts_at + SHORTEST_CAPTION),
            source=Caption.Source.SPEECH,
            now=now,
        )
    )
