"""What happens when nobody says anything in time."""

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from shops.returns import deciding
from shops.returns.models import Return
from shops.returns.moving import lock, move
from shops.returns.states import EventKind, ReturnState, Side

log = logging.getLogger(__name__)
AT_ONCE: Final = 200


def act_on_silence(*, now: datetime, limit: int = AT_ONCE) -> int:
    """Move on what is due, each in a transaction of its own; returns how many moved."""
    due = Return.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    moved = 0
    for case_id in list(due[:limit]):
        try:
            moved += act(case_id=case_id, now=now)
        except Exception:
            # One that can't be moved keeps no other one waiting.
            log.exception("return %s was not moved on", case_id)
    return moved


@transaction.atomic
def act(*, case_id: UUID, now: datetime) -> bool:
    """Take silence for an answer; False when somebody spoke meanwhile.

    A shop that does not answer approves, and one that says nothing of what arrived refunds it all.
    A buyer who sends nothing has changed their mind, and one who disputes nothing agrees.
    """
    case = lock(case_id)
    if case.due_at is None or case.due_at > now:
        return False
    if case.state == ReturnState.REQUESTED:
        deciding.approve(case_id=case_id, by=None, now=now)
    elif case.state == ReturnState.RECEIVED:
        deciding.refund_in_full(
            case, kind=EventKind.REFUND_SILENCE, side=Side.CLOCK, by=None, now=now
        )
    elif case.state == ReturnState.APPROVED:
        move(
            case,
            ReturnState.CLOSED,
            kind=EventKind.LAPSED,
            side=Side.CLOCK,
            is_withdrawn=True,
            now=now,
        )
    else:
        move(case, ReturnState.CLOSED, kind=EventKind.CLOSED, side=Side.CLOCK, now=now)
    return True
