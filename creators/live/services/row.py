"""A show's row: whose it is, and taking it, so that its changes come one after the other."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils.translation import gettext_lazy as _

from creators.live.models import LiveSession, Pin, ShowState
from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused

# A bag can change in these; what is over stays as it was.
OPEN: Final = (ShowState.SCHEDULED, ShowState.LIVE)


class NotHost(Refused):
    code = "not_host"
    message = _("Only the host of the show can do that.")
    status = 403


class ShowOver(Refused):
    code = "show_over"
    message = _("The show is over.")


def hosted(*, piece_id: int, by: User) -> LiveSession:
    """Find a show that a user hosts.

    :raises NotFound: there is no such show
    :raises NotHost: it is somebody else's
    """
    session = (
        LiveSession.objects.select_related("piece__creator", "stream").filter(pk=piece_id).first()
    )
    if session is None:
        raise NotFound
    if session.piece.creator.user_id != by.pk:
        raise NotHost
    return session


def take(piece_id: int, *, states: Iterable[ShowState]) -> int | None:
    """Lock a show for this transaction and return its next `rev`; None in any other state."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE live_livesession SET rev = rev + 1"
            " WHERE piece_id = %s AND state = ANY(%s) RETURNING rev",
            [piece_id, [str(state) for state in states]],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def take_open(piece_id: int) -> int | None:
    """Lock a show whose bag can still change and return its next `rev`; None when it can't."""
    return take(piece_id, states=OPEN)


def take_open_or_refuse(piece_id: int) -> int:
    rev = take_open(piece_id)
    if rev is None:
        raise ShowOver
    return rev


def close_pin(piece_id: int, *, now: datetime, product_id: int | None = None) -> Pin | None:
    """End the open pin (of one product, when told) of a show whose row is taken."""
    pins = Pin.objects.filter(session_id=piece_id, unpinned_at__isnull=True)
    if product_id is not None:
        pins = pins.filter(product_id=product_id)
    pin = pins.first()
    if pin is not None:
        # A clock that went back must not end a pin before it began.
        pin.unpinned_at = max(now, pin.pinned_at)
        pin.save(update_fields=["unpinned_at"])
    return pin
