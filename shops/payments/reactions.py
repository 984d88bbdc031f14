"""What must follow on payments: the books, and money that goes back by itself.

Money waits in the shop's escrow until delivery. What goes back after it was released is posted
above this room, by payouts.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.reacting import takes_many
from shops.facts.refused import Refused
from shops.ledger.models import Journal, Kind, Side
from shops.ledger.services import Line, Posting, post, post_all
from shops.orders import services as orders
from shops.orders.events import LinesCancelled, OrderCancelled
from shops.orders.models import Order
from shops.payments.events import ChargeBackWon, PaymentCaptured, RefundSucceeded
from shops.payments.models import Payment, Refund, RefundState
from shops.payments.queries import (
    SOURCE_CAPTURE,
    SOURCE_CHARGE_BACK,
    SOURCE_REFUND,
    SOURCE_UNDONE,
    capture_key,
    chargebacks_of,
    in_escrow,
    journals_of_order,
    refundable_minor,
    shares_of,
)
from shops.payments.refunds import NotRefundable, queue_refund

log = logging.getLogger(__name__)


class SplitDiffers(ValueError):
    """The orders of a purchase do not add up to what was captured for it."""


def post_captures(facts: Sequence[tuple[int, PaymentCaptured]], *, now: datetime) -> None:
    """Post captures: from the provider's clearing account to each shop's escrow."""
    keys = [uuid.UUID(fact.payment_id) for _event_id, fact in facts]
    payments = Payment.objects.in_bulk(keys)
    parts = shares_of(list(payments.values()))
    postings = []
    for key, (_event_id, fact) in zip(keys, facts, strict=True):
        own = parts[payments[key].pk]
        if sum(minor for _, minor in own) != fact.amount_minor:
            raise SplitDiffers(f"payment {fact.payment_id}")
        postings += [
            Posting(
                source=SOURCE_CAPTURE,
                key=capture_key(payment_id=fact.payment_id, order_id=order.pk),
                lines=_lines(order, minor, into_escrow=True),
                description=f"Order {order.number} paid",
            )
            for order, minor in own
            if minor
        ]
    post_all(postings, now=now)


@takes_many(post_captures)
def post_capture(fact: PaymentCaptured, *, event_id: int, now: datetime) -> None:
    """Post a capture."""
    post_captures([(event_id, fact)], now=now)


def post_refund(fact: RefundSucceeded, *, event_id: int, now: datetime) -> None:
    """Post a refund of an order that was not released to its shop: the capture, reversed.

    `payouts.reactions.reverse_released` is asked first, and calls this for such orders.
    """
    order = Order.objects.get(pk=fact.order_id)
    post(
        source=SOURCE_REFUND,
        key=fact.refund_id,
        lines=_lines(order, fact.amount_minor, into_escrow=False),
        description=f"Order {order.number} refunded",
        now=now,
    )


def post_charge_back(*, order: Order, key: str, amount_minor: int, now: datetime) -> None:
    """Post what the buyer's bank took back of an order that was not released to its shop yet.

    It comes out of the order's escrow; what is more than that is the platform's loss. What was
    refunded and is about to be posted is left in there.
    """
    journals = journals_of_order(order)
    given = [one for one in journals if one.source in (SOURCE_REFUND, SOURCE_UNDONE)]
    posted = -in_escrow(given)
    # Not what the order says: what was never captured counts as given back there, what came after
    # the order was closed does not.
    made = Refund.objects.filter(order=order, state=RefundState.SUCCEEDED)
    refunded: int = made.aggregate(minor=Sum("amount_minor", default=0))["minor"]
    left = in_escrow(journals) - (refunded - posted)
    from_escrow = min(amount_minor, max(left, 0))
    lines = _lines(order, from_escrow, into_escrow=False) if from_escrow else []
    if lost := amount_minor - from_escrow:
        money: dict[str, Any] = {"amount_minor": lost, "currency": order.currency}
        lines += [
            Line(kind=Kind.PSP_CLEARING, side=Side.CREDIT, **money),
            Line(kind=Kind.CHARGE_BACK_LOSS, side=Side.DEBIT, **money),
        ]
    post(
        source=SOURCE_CHARGE_BACK,
        key=key,
        lines=lines,
        description=f"Order {order.number} charged back",
        now=now,
    )


def post_back(*, source: str, taken: Journal, description: str, now: datetime) -> None:
    """Post the opposite of a journal about an order that was not released to its shop yet."""
    opposite = {Side.DEBIT.value: Side.CREDIT, Side.CREDIT.value: Side.DEBIT}
    post(
        source=source,
        key=taken.key,
        lines=[
            Line(
                kind=Kind(entry.account.kind),
                owner=entry.account.owner,
                side=opposite[entry.side],
                amount_minor=entry.amount_minor,
                currency=entry.account.currency,
            )
            for entry in taken.entries.select_related("account").order_by("pk")
        ],
        description=description,
        now=now,
    )


def give_what_was_owed(fact: ChargeBackWon, *, event_id: int, now: datetime) -> None:
    """Give back what was called off while the buyer's bank had the money: then it could not be.

    What went back before is known by its source, and does not go back again.
    """
    order_ids = Order.objects.filter(purchase_id=uuid.UUID(fact.purchase_id)).values_list("pk")
    taken = chargebacks_of(uuid.UUID(fact.purchase_id))[fact.number - 1]
    # Of a cancelled order the rest is owed, whenever that was; lines from before went back then.
    told = Event.objects.filter(
        Q(kind="OrderCancelled") | Q(kind="LinesCancelled", occurred_at__gte=taken.told_at),
        payload__order_id__in=[pk for (pk,) in order_ids],
    )
    for event in told.order_by("pk"):
        called_off = read(event)
        if isinstance(called_off, OrderCancelled):
            refund_cancelled(called_off, event_id=event.pk, now=now)
        elif isinstance(called_off, LinesCancelled):
            refund_lines(called_off, event_id=event.pk, now=now)


def refund_cancelled(fact: OrderCancelled, *, event_id: int, now: datetime) -> None:
    """Give back what is left of a paid order that was called off."""
    if fact.was_paid:
        _give_back(fact.order_id, None, fact.reason, source=f"cancelled:{event_id}", now=now)


def refund_lines(fact: LinesCancelled, *, event_id: int, now: datetime) -> None:
    """Give back what lines cost that will not be sent."""
    if fact.amount_minor:
        order = Order.objects.get(pk=fact.order_id)
        amount = min(fact.amount_minor, refundable_minor(order))
        _give_back(fact.order_id, amount, fact.reason, source=f"lines:{event_id}", now=now)


def _give_back(
    order_id: int, amount_minor: int | None, reason: str, *, source: str, now: datetime
) -> None:
    try:
        queue_refund(
            order_id=order_id, amount_minor=amount_minor, reason=reason, source=source, now=now
        )
    except NotRefundable:
        log.info("order %s has nothing left to give back", order_id)
    except Refused as refused:
        log.exception("order %s could not be given back", order_id)
        orders.note(order_id=order_id, text=str(refused), now=now)


def _lines(order: Order, amount_minor: int, *, into_escrow: bool) -> list[Line]:
    clearing, escrow = (Side.DEBIT, Side.CREDIT) if into_escrow else (Side.CREDIT, Side.DEBIT)
    return [
        Line(
            kind=Kind.PSP_CLEARING,
            side=clearing,
            amount_minor=amount_minor,
            currency=order.currency,
        ),
        Line(
            kind=Kind.ORDER_ESCROW,
            owner=f"shop:{order.shop_id}",
            side=escrow,
            amount_minor=amount_minor,
            currency=order.currency,
        ),
    ]
