"""All that happened to an order, in one list: states, payments, parcels, refunds, returns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from shops.ledger.money import Money
from shops.orders import carriers
from shops.orders.models import Order, Parcel
from shops.payments.models import PaymentEvent, Refund, RefundState
from shops.payments.queries import chargebacks_of
from shops.returns.models import ReturnEvent


@dataclass(frozen=True)
class Entry:
    """Something that happened; `kind` is whose life it is from, `who` did it, if a person did."""

    at: datetime
    kind: str
    text: str
    detail: str = ""
    who: str = ""


def timeline(*, order: Order, parcels: list[Parcel], is_shop: bool) -> list[Entry]:
    """List what happened to an order, oldest first; the shop sees no attempts to pay."""
    found = [*_order(order), *_parcels(parcels), *_refunds(order), *_returns(order)]
    if not is_shop:
        found += _payments(order)
    return sorted(found, key=lambda entry: entry.at)


def _order(order: Order) -> Iterator[Entry]:
    for event in order.shown_events:  # type: ignore[attr-defined]  # prefetched
        who = event.by.display_name if event.by else ""
        if event.label:
            yield Entry(event.at, "order", event.label, event.reason, who)
        else:
            yield Entry(event.at, "order", event.reason, who=who)


def _payments(order: Order) -> Iterator[Entry]:
    events = PaymentEvent.objects.filter(payment__purchase_id=order.purchase_id)
    for event in events.order_by("at", "pk"):
        if event.label:
            yield Entry(event.at, "payment", _("Payment: %(state)s") % {"state": event.label})
    for taken in chargebacks_of(order.purchase_id):
        yield Entry(taken.told_at, "payment", _("The bank took the payment back"))
        if taken.won_at:
            yield Entry(taken.won_at, "payment", _("The bank gave the payment back to the shop"))


def _parcels(parcels: list[Parcel]) -> Iterator[Entry]:
    for parcel in parcels:
        name = f"{carriers.name_of(parcel.carrier)} {parcel.tracking_number}"
        for event in parcel.shown_events:  # type: ignore[attr-defined]  # prefetched
            if not event.from_state:
                continue  # the order's own event tells that it was sent
            text = _("Parcel: %(state)s") % {"state": event.label or _("number mended")}
            detail = f"{name} · {event.reason}" if event.reason else name
            yield Entry(event.at, "parcel", text, detail)


def _refunds(order: Order) -> Iterator[Entry]:
    for refund in Refund.objects.filter(order=order).order_by("created_at"):
        amount = {"amount": Money(refund.amount_minor, order.currency)}
        yield Entry(
            refund.created_at, "refund", _("%(amount)s is to go back") % amount, refund.reason
        )
        was_made = refund.state == RefundState.SUCCEEDED or refund.came_back_at
        if refund.ended_at and was_made:
            yield Entry(refund.ended_at, "refund", _("%(amount)s went back") % amount)
        elif refund.ended_at:
            text = _("The provider refused to give %(amount)s back") % amount
            yield Entry(refund.ended_at, "refund", text)


def _returns(order: Order) -> Iterator[Entry]:
    for event in ReturnEvent.objects.filter(case__order=order).order_by("at", "pk"):
        text = _("Return: %(what)s") % {"what": event.get_kind_display()}
        yield Entry(event.at, "return", text, event.reason)
