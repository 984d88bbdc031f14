"""The viewer's live page and a creator's public page."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from creators.chat import queries as chat
from creators.chat.standing import read_standing
from creators.chat.writers import say_muted
from creators.live import access, queries, texts
from creators.live.replays import views as replays
from creators.pieces import referral
from creators.profiles.queries import creator_by_handle, is_operator


@require_safe
def show(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = access.watched(request, piece_id)
    replay = replays.replay_for(request, session)
    if replay is not None:
        return replays.page(request, session, replay)
    now = timezone.now()
    items = queries.bag(session)
    user = request.user
    if not user.is_authenticated and request.session.session_key is None:
        # What a guest does here goes out side by side: it must find one session, not make several.
        request.session.create()
    standing = read_standing(piece_id, now=now, of=[user.pk] if user.pk else [])
    mute = standing.mute_of(user.pk, now=now)
    return render(
        request,
        "live/show.html",
        {
            "session": session,
            "items": items,
            "pinned": next((item for item in items if item.is_pinned), None),
            "chat": chat.last_messages(piece_id=piece_id),
            "pinned_line": chat.pinned_message(piece_id),
            "questions": chat.queue(piece_id=piece_id, viewer_id=user.pk),
            "answering": chat.line_to_answer(piece_id=piece_id, asked=request.GET.get("reply", "")),
            "rules": standing.rules,
            "keeps": standing.moderates(user.pk, is_operator=is_operator(user)),
            "muted": "" if mute is None else say_muted(mute),
            "client_id": uuid.uuid4(),
            "referral": referral.make(piece_id, session.piece.creator_id),
            "texts": texts.for_viewer(),
            "is_host": user.pk == session.piece.creator.user_id,
        },
    )


@require_safe
def creator(request: HttpRequest, handle: str) -> HttpResponse:
    found = creator_by_handle(handle)
    shows = queries.public_shows_of(found)
    return render(
        request,
        "profiles/creator.html",
        {
            "creator": found,
            "live": [show for show in shows if show.is_live],
            "upcoming": [show for show in reversed(shows) if show.is_scheduled],
            "past": [show for show in shows if show.is_ended][:12],
        },
    )
