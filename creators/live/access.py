"""Who may watch a show: everybody a public one; its host, moderators and guests a private one.

Judged at every door: the page, the snapshot, the socket, the chat, the clicks, what a sale is
credited to. Who may not watch is told that there is nothing.
"""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from creators.live import queries
from creators.live.models import LiveSession
from creators.pieces import access, referral
from shops.facts.refused import NotFound


def may_watch(session: LiveSession, *, user: Any, invited: bool) -> bool:
    """Tell whether a user may watch a show; `invited` is who once opened an invite link to it."""
    if not (session.is_private or session.is_rehearsal):
        return True
    door = access.door_of(session.pk)
    return door is not None and door.lets_in(user=user, invited=invited)


def watched(request: HttpRequest, piece_id: int) -> LiveSession:
    """Find a show for who asks, and keep the invite that the address carries.

    :raises NotFound: there is none, or it is not for who asks
    """
    session = queries.show(piece_id)
    invite = request.GET.get("invite", "")
    is_shut = session.is_private or session.is_rehearsal
    invited = is_shut and (
        bool(invite and access.remember_invite(request.session, piece_id, invite))
        or access.is_invited(request.session, piece_id)
    )
    if not may_watch(session, user=request.user, invited=invited):
        raise NotFound
    return session


def invite_path(session: LiveSession) -> str:
    """Return the link with which others come in to a private show; "" for a public one."""
    if not (session.is_private or session.is_rehearsal):
        return ""
    page = reverse("live:show", args=[session.pk])
    return f"{page}?invite={access.invite_for(session.pk)}"


def credited(request: HttpRequest, text: str) -> str:
    """Return the referral that a sale may be credited to.

    "" for a show that one may not watch, and for what looks like ours but was not signed by us:
    a show's sales, and those of a rehearsal that are given back, are found by how it begins.
    """
    found = referral.read(text)
    if found is None:
        return "" if referral.looks_like_ours(text) else text
    door = access.door_of(found.piece_id)
    invited = access.is_invited(request.session, found.piece_id)
    return text if door is not None and door.lets_in(user=request.user, invited=invited) else ""
