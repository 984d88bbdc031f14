"""What happens when nobody says anything in time."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from shops.returns import deciding
from shops.returns.models import Return
from shops.returns.moving import lock, move
from shops.returns.states import EventKind, ReturnState, Side

AT_ONCE: Final = 200


def act_on_silence(*, now: datetime, limit: int = AT_ONCE) -> int:
    """Move on what is due, each in a transaction of its own; returns how many moved."""
    due = Return.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    return sum(act(case_id=pk, now=now) for pk in list(due[:limit]))


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
