"""The viewer's live page and a creator's public page."""

import uuid
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from creators.chat import queries as chat
from creators.chat.models import Sanction
from creators.chat.moderation.own_views import banned_page
from creators.chat.moderation.queries import open_ban
from creators.chat.moderation.texts import rules_in_words
from creators.chat.standing import read_standing
from creators.chat.writers import say_muted
from creators.live import access, queries, texts
from creators.live.models import LiveSession
from creators.live.replays import views as replays
from creators.pieces import referral
from creators.profiles.queries import creator_by_handle, is_operator
from creators.social.queries import is_following


def banned(request: HttpRequest, session: LiveSession, *, now: datetime) -> Sanction | None:
    """Find what keeps somebody out of a show that is not their own."""
    user = request.user
    if user.pk is None or user.pk == session.piece.creator.user_id:
        return None
    return open_ban(piece_id=session.pk, user_id=user.pk, now=now)


@require_safe
def show(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = access.watched(request, piece_id)
    now = timezone.now()
    ban = banned(request, session, now=now)
    if ban is not None:
        return banned_page(request, ban)
    replay = replays.replay_for(request, session)
    if replay is not None:
        return replays.page(request, session, replay)
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
            "rules_in_words": rules_in_words(standing.rules),
            "keeps": standing.moderates(user.pk, is_operator=is_operator(user)),
            "muted": "" if mute is None else say_muted(mute),
            "client_id": uuid.uuid4(),
            "referral": referral.make(piece_id, session.piece.creator_id),
            "texts": texts.for_viewer(),
            "is_host": user.pk == session.piece.creator.user_id,
            "is_following": is_following(creator_id=session.piece.creator_id, user=user),
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
            "is_own": found.user_id == request.user.pk,
            "is_following": is_following(creator_id=found.pk, user=request.user),
            "live": [show for show in shows if show.is_live],
            "upcoming": [show for show in reversed(shows) if show.is_scheduled],
            "past": [show for show in shows if show.is_ended][:12],
        },
    )
