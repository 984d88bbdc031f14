"""What a creator does with a replay: trim it, hide or publish it, delete it, choose its clips."""

import re
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from creators.live import access
from creators.live import queries as shows
from creators.live.models import Replay
from creators.live.replays import lists, queries, services
from creators.live.services.row import NotHost
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Invalid

_TIME: Final = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,5})(?:[.,](\d{1,3}))?")


class NotATime(Invalid):
    code = "not_a_time"
    message = gettext_lazy("Write a time as 1:02:03, 2:03 or 123.")


def milliseconds(text: str) -> int:
    """Read a time such as 1:02:03.5, 2:03 or 123 (seconds).

    :raises NotATime: it can't be read
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise NotATime
    hours, minutes, seconds, fraction = found.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))


def clock(milliseconds: int) -> str:
    """Write a time as `milliseconds` reads it, to the tenth of a second, rounded down."""
    tenths = milliseconds // 100
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{tenths % 10}" if tenths % 10 else text


@login_required
@require_safe
def tools(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = shows.show(piece_id)
    if session.piece.creator.user_id != signed_in(request).pk:
        raise NotHost
    replay = queries.replay_or_404(session)
    whole = queries.whole(session)
    path = access.invite_path(session)
    starts = whole.timeline.position_ms(replay.starts_at) - whole.starts
    ends = whole.timeline.position_ms(replay.ends_at) - whole.starts
    return render(
        request,
        "live/replay_tools.html",
        {
            "session": session,
            "replay": replay,
            "whole": whole,
            "invite": request.build_absolute_uri(path) if path else "",
            "length": clock(whole.length),
            "starts": clock(max(0, starts)),
            # Rounded down it would cut off the end of what nobody trimmed.
            "ends": clock(-(-min(ends, whole.length) // 100) * 100),
            "still": queries.file_url(replay.still) or session.cover_url,
            "clips": lists.clips_of(session),
            "chapters": queries.chapters(session, whole),
        },
    )


@login_required
@require_POST
def trim(request: HttpRequest, piece_id: int) -> HttpResponse:
    services.trim_replay(
        piece_id=piece_id,
        starts=milliseconds(request.POST.get("starts", "")),
        ends=milliseconds(request.POST.get("ends", "")),
        by=signed_in(request),
    )
    messages.success(request, _("Trimmed. Its pictures and clips follow in a moment."))
    return redirect("live:replay", piece_id)


@login_required
@require_POST
def state(request: HttpRequest, piece_id: int) -> HttpResponse:
    wanted = request.POST.get("state", "")
    if wanted not in Replay.State.values:
        raise Invalid
    services.set_state(piece_id=piece_id, state=Replay.State(wanted), by=signed_in(request))
    return redirect("live:replay", piece_id)


@login_required
@require_POST
def delete(request: HttpRequest, piece_id: int) -> HttpResponse:
    services.delete_replay(piece_id=piece_id, by=signed_in(request), now=timezone.now())
    messages.success(request, _("The replay and its recording are deleted."))
    return redirect("live:console", piece_id)


@login_required
@require_POST
def clip(request: HttpRequest, piece_id: int, clip_id: int) -> HttpResponse:
    services.set_clip_hidden(
        piece_id=piece_id,
        clip_id=clip_id,
        is_hidden=request.POST.get("hidden") == "1",
        by=signed_in(request),
    )
    return redirect("live:replay", piece_id)
