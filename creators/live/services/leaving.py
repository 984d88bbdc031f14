"""Shows that their host has left: whether somebody is there, and ending those where nobody is."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from creators.live.models import LiveSession, ShowState
from creators.live.services.shows import WrongState, end
from shops.accounts.models import User

log = logging.getLogger(__name__)

_SEEN_EVERY = timedelta(seconds=20)


def see_host(*, piece_id: int, by: User, now: datetime) -> None:
    """Note that a show's host has the console open; written at most every 20 s."""
    LiveSession.objects.filter(
        Q(host_seen_at__isnull=True) | Q(host_seen_at__lt=now - _SEEN_EVERY),
        pk=piece_id,
        piece__creator__user=by,
    ).update(host_seen_at=now)


def is_abandoned(session: LiveSession, *, now: datetime) -> bool:
    """Tell whether nobody would miss a live show that has no picture.

    Its host is away, and the picture was lost for `SHOW_AWAY_MINUTES`, or never came until
    `SHOW_OVERTIME_MINUTES` after the planned end. A host who is there has `SHOW_LONGEST_MINUTES`.
    """
    stream, began = session.stream, session.started_at
    if began is None or (stream is not None and stream.is_receiving):
        return False
    away = timedelta(minutes=settings.SHOW_AWAY_MINUTES)
    lost_at = None if stream is None or stream.lost_at is None else max(stream.lost_at, began)
    if session.host_seen_at is not None and now - session.host_seen_at < away:
        return now - began >= timedelta(minutes=settings.SHOW_LONGEST_MINUTES)
    if lost_at is not None:
        return now - lost_at >= away
    planned = timedelta(minutes=session.planned_minutes)
    overtime = timedelta(minutes=settings.SHOW_OVERTIME_MINUTES)
    return now - max(began, session.scheduled_at) >= planned + overtime


def end_abandoned(*, now: datetime) -> int:
    """End the shows and rehearsals that were left; returns how many there were."""
    live = LiveSession.objects.filter(state=ShowState.LIVE).select_related("stream")
    left = [session.pk for session in live.order_by("pk") if is_abandoned(session, now=now)]
    return sum(_end(piece_id, now=now) for piece_id in left)


@transaction.atomic
def _end(piece_id: int, *, now: datetime) -> bool:
    session = (
        LiveSession.objects.select_for_update(of=("self",))
        .select_related("stream", "piece__creator")
        .get(pk=piece_id)
    )
    # Its picture may have come back meanwhile, or its host.
    if not session.is_live or not is_abandoned(session, now=now):
        return False
    try:
        end(session, now=now)
    except WrongState:
        return False
    log.info("show %s was left and has been ended", piece_id)
    return True
