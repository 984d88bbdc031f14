"""The replay's page, and what its player asks for: playlist, captions, the chat in time.

A replay is the same piece of content as the show was live, and what is counted stays whole only if
all of it is counted: its sales are credited to the piece, so its qualified views (5 s watched, once
per viewer and day) and its product clicks are counted for it, too. Otherwise a replay would raise
net GMV per view, and buyers per clicker, without anybody having done better.
"""

from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from creators.audience.services import record_view, viewer_key
from creators.chat.writers import check_ban
from creators.live import access, texts
from creators.live.models import Clip, LiveSession, Replay
from creators.live.replays import playlist as vod
from creators.live.replays import queries
from creators.media import queries as media
from shops.facts.refused import Invalid, NotFound

# A qualified view takes that long, and a page's mark is good for a day.
_WATCHED_SECONDS: Final = 5
_MARK_SECONDS: Final = 24 * 3600
_SALT: Final = "creators.live.replays.watched"
_LARGEST: Final = 10**9


def is_host(request: HttpRequest, session: LiveSession) -> bool:
    return bool(request.user.pk == session.piece.creator.user_id)


def replay_for(request: HttpRequest, session: LiveSession) -> Replay | None:
    """Find the replay that who asks may see of a show that they may watch."""
    replay = queries.replay_of(session) if session.is_ended else None
    if replay is None or not (replay.is_published or is_host(request, session)):
        return None
    return replay


def _asked(request: HttpRequest, piece_id: int) -> tuple[LiveSession, queries.Recording]:
    """Find the replay that is asked for, or, for its host, all that was recorded.

    :raises NotFound: there is none for who asks
    :raises Banned: who asks may not be there
    """
    session = access.watched(request, piece_id)
    check_ban(piece_id=piece_id, user=request.user, now=timezone.now())
    replay = replay_for(request, session)
    if replay is None:
        raise NotFound
    if "whole" in request.GET and is_host(request, session):
        return session, queries.whole(session)
    return session, queries.recording(session, replay.starts_at, replay.ends_at)


def page(request: HttpRequest, session: LiveSession, replay: Replay) -> HttpResponse:
    """Show the replay of a show that has ended; the show's own page hands over to this."""
    if not request.user.is_authenticated and request.session.session_key is None:
        # A guest's views and clicks are counted by the session, which no beacon may begin.
        request.session.create()
    shown = queries.recording(session, replay.starts_at, replay.ends_at)
    chapters = queries.chapters(session, shown)
    context: dict[str, Any] = {
        "session": session,
        "replay": replay,
        "shown": shown,
        "still": queries.file_url(replay.still) or session.cover_url,
        "begin": _begin(request, session, shown),
        "chapters": chapters,
        "goods": queries.goods(session, chapters),
        "answers": queries.answers(session, shown),
        "languages": queries.caption_languages(session, replay.starts_at, replay.ends_at),
        "mark": signing.TimestampSigner(salt=_SALT).sign(str(session.pk)),
        "texts": texts.for_viewer(),
        "is_host": is_host(request, session),
    }
    return render(request, "live/replay.html", context)


def _begin(request: HttpRequest, session: LiveSession, shown: queries.Recording) -> int | None:
    """Find where the clip that the address names begins; None when it names none."""
    asked = request.GET.get("clip", "")
    if not asked.isdecimal() or len(asked) > 18:
        return None
    clip = Clip.objects.filter(pk=int(asked), session=session, is_hidden=False).first()
    if clip is None:
        return None
    return max(0, shown.timeline.position_ms(clip.starts_at) - shown.starts)


@require_safe
def playlist(request: HttpRequest, piece_id: int) -> HttpResponse:
    _session, shown = _asked(request, piece_id)
    if not shown.segments:
        raise NotFound
    text = vod.write(shown.segments, url=queries.recording_url, starts_ms=shown.starts)
    return HttpResponse(
        text, content_type="application/vnd.apple.mpegurl", headers={"Cache-Control": "no-store"}
    )


@require_safe
def captions(request: HttpRequest, piece_id: int) -> HttpResponse:
    session, shown = _asked(request, piece_id)
    if session.stream is None or not shown.segments:
        raise NotFound
    language = request.GET.get("lang", session.piece.language)[:5]
    text = media.captions_vtt(
        session.stream,
        queries.instant(shown, shown.starts),
        queries.instant(shown, shown.ends),
        language,
    )
    return HttpResponse(
        text, content_type="text/vtt; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


@require_safe
def chat(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Answer the chat lines around `at` (milliseconds), and between which places they are all."""
    at = request.GET.get("at", "0")
    if not at.isdecimal() or len(at) > 10:
        raise Invalid
    session, shown = _asked(request, piece_id)
    part = queries.chat_part(session, shown, place=min(int(at), _LARGEST))
    return JsonResponse(
        {
            "since": part.since,
            "until": part.until,
            "lines": [
                {"id": line.id, "at": line.at, "name": line.name, "text": line.text}
                | ({"badge": line.badge} if line.badge else {})
                for line in part.lines
            ],
        },
        headers={"Cache-Control": "no-store"},
    )


@require_POST
def watched(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Count a qualified view: the page's mark must be as old as the picture was watched."""
    session, _shown = _asked(request, piece_id)
    signer = signing.TimestampSigner(salt=_SALT)
    mark = request.POST.get("mark", "")
    try:
        if signer.unsign(mark, max_age=_MARK_SECONDS) != str(session.pk):
            raise Invalid
        signer.unsign(mark, max_age=_WATCHED_SECONDS)
    except signing.SignatureExpired:
        pass
    except signing.BadSignature as bad:
        raise Invalid from bad
    else:
        raise Invalid
    if request.user.is_authenticated or request.session.session_key is not None:
        record_view(
            piece_id=session.pk,
            viewer=viewer_key(user=request.user, session_key=request.session.session_key),
            now=timezone.now(),
        )
    return HttpResponse(status=204)
