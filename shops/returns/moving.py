"""The one way in which a return changes: under its order's lock, by compare-and-set, with a trace.

Whoever decides about an order's money locks the order first; two who act at once take turns, and
the later one is told that something has changed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.orders.models import Order
from shops.returns.events import ReturnChanged
from shops.returns.models import MOST_WORDS, Return, ReturnEvent
from shops.returns.states import RETURN_TRANSITIONS, EventKind, ReturnState, Side


class Moved(Refused):
    """`extra`: `state`, where the return stands by now."""

    code = "return_moved"
    message = _("Meanwhile something else was decided about this return. Look at it again.")


class WordsMissing(Refused):
    code = "words_missing"
    message = _("Say why: the other side reads it.")
    status = 400


def lock(case_id: UUID) -> Return:
    """Read a return under its order's lock.

    :raises NotFound: no such return
    """
    order_id = Return.objects.filter(pk=case_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound
    Order.objects.select_for_update().get(pk=order_id)
    return Return.objects.select_related("order__shop", "buyer").get(pk=case_id)


def move(
    case: Return,
    to: ReturnState,
    *,
    kind: EventKind,
    side: Side,
    by: User | None = None,
    reason: str = "",
    amount_minor: int | None = None,
    now: datetime,
    **fields: Any,
) -> None:
    """Compare-and-set a return's state and other fields, write the event and tell of it.

    :raises Moved: the table knows no way there from its state, or the state has changed
    """
    before = ReturnState(case.state)
    if to not in RETURN_TRANSITIONS[before]:
        raise Moved(state=before)
    if to == ReturnState.CLOSED:
        fields["closed_at"] = now
    fields.setdefault("due_at", None)
    if not swap(case, before, state=to, **fields):
        raise Moved(state=before)
    for name, value in {"state": to, **fields}.items():
        setattr(case, name, value)
    note(
        case,
        kind=kind,
        side=side,
        by=by,
        reason=reason,
        amount_minor=amount_minor,
        now=now,
        before=before,
    )


def swap(case: Return, before: ReturnState, **fields: Any) -> int:
    """Write fields of a return if it is still in the state that was read; returns 1 or 0."""
    return Return.objects.filter(pk=case.pk, state=before).update(**fields)


def note(
    case: Return,
    *,
    kind: EventKind,
    side: Side,
    by: User | None = None,
    reason: str = "",
    amount_minor: int | None = None,
    now: datetime,
    before: str | None = None,
) -> None:
    """Append an event to a return's history and tell of it; the state is what it is."""
    event = ReturnEvent.objects.create(
        case=case,
        kind=kind,
        from_state=case.state if before is None else before,
        to_state=case.state,
        side=side,
        actor=by,
        reason=reason[:MOST_WORDS],
        amount_minor=amount_minor,
        at=now,
    )
    publish(
        ReturnChanged(
            return_id=str(case.pk),
            order_id=case.order_id,
            order_number=case.order.number,
            buyer_id=case.buyer_id,
            shop_id=case.order.shop_id,
            event_id=event.pk,
            kind=kind,
            state=case.state,
            currency=case.currency,
            asked_minor=case.asked_minor,
            refund_minor=case.refund_minor,
        )
    )


def said(text: str, *, most: int = MOST_WORDS) -> str:
    """Clean what somebody wrote.

    :raises WordsMissing: it is empty
    """
    words = text.strip()
    if not words:
        raise WordsMissing
    return words[:most]
