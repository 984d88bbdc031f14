"""Parcels on their way, and orders that arrive and come to their end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.orders.carriers import CARRIERS
from shops.orders.events import OrderCompleted, OrderDelivered, ParcelMoved
from shops.orders.models import (
    PARCEL_TRANSITIONS,
    Order,
    OrderState,
    Parcel,
    ParcelEvent,
    ParcelState,
)
from shops.orders.services.moves import each, move, tell


class BadParcelState(Refused):
    code = "bad_parcel_state"
    message = _("A parcel that stands as this one does can't become that.")


class NotOnItsWay(Refused):
    code = "order_not_on_its_way"
    message = _("Only an order that is on its way can be received.")


@transaction.atomic
def move_parcel(
    *,
    parcel_id: int,
    to: ParcelState,
    reason: str = "",
    shop_id: int | None = None,
    by: User | None = None,
    now: datetime,
) -> Parcel:
    """Note how a parcel stands; once all of an order's parcels are there, it is delivered.

    What is known already changes nothing.

    :raises NotFound: no such parcel (of this shop, when one is named)
    :raises BadParcelState: nothing leads there from where the parcel is
    """
    parcel = Parcel.objects.select_for_update().filter(pk=parcel_id).first()
    if parcel is None or shop_id not in (None, parcel.shop_id):
        raise NotFound
    if not _move(parcel, to, reason=reason, by=by, now=now) and parcel.state != to:
        raise BadParcelState
    return parcel


def parcels_moved(
    *, carrier: str, tracking_number: str, to: ParcelState, reason: str = "", now: datetime
) -> int:
    """Note what a carrier tells of its parcel; late and repeated news change nothing.

    Returns how many parcels moved: shops may send one parcel under one number only, but two shops
    may claim the same.

    :raises NotFound: nobody sent a parcel with this number
    """
    found = Parcel.objects.filter(carrier=carrier, tracking_number=tracking_number)
    ids = list(found.order_by("pk").values_list("pk", flat=True)) if carrier in CARRIERS else []
    if not ids:
        raise NotFound
    moved = 0
    for parcel_id in ids:
        with transaction.atomic():
            parcel = Parcel.objects.select_for_update().get(pk=parcel_id)
            moved += _move(parcel, to, reason=reason, by=None, now=now)
    return moved


@transaction.atomic
def confirm_receipt(*, number: str, buyer: User, now: datetime) -> Order:
    """Note for its buyer that an order came, with all that travelled in its parcels.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotOnItsWay: not all of it was sent, or it is delivered or over
    """
    order = Order.objects.filter(number=number, buyer=buyer).first()
    if order is None:
        raise NotFound
    if not order.is_on_its_way:
        raise NotOnItsWay
    for parcel in _parcels_of(order):
        _move(
            parcel,
            ParcelState.DELIVERED,
            reason=gettext("The buyer has it"),
            by=buyer,
            now=now,
        )
    order.refresh_from_db()
    if order.is_on_its_way:
        raise NotOnItsWay
    return order


def count_as_delivered(*, now: datetime, limit: int = 100) -> int:
    """Have orders that nobody told of for long enough count as delivered; returns how many.

    Not those of which a carrier or the shop said that something is wrong.
    """
    long_ago = now - timedelta(days=settings.DELIVERED_AFTER_DAYS)
    quiet = Order.objects.filter(state=OrderState.IN_TRANSIT, shipped_at__lte=long_ago).exclude(
        lines__parcel_line__parcel__state__in=[ParcelState.EXCEPTION, ParcelState.LOST]
    )
    ids = quiet.order_by("shipped_at", "pk").values_list("pk", flat=True)
    return each(_counted, ids[:limit], now=now)


@transaction.atomic
def _counted(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.get(pk=order_id)
    parcels = _parcels_of(order)
    if any(p.state in (ParcelState.EXCEPTION, ParcelState.LOST) for p in parcels):
        return False
    days = settings.DELIVERED_AFTER_DAYS
    said = gettext("Nobody told otherwise for %(days)s days") % {"days": days}
    moved = [_move(p, ParcelState.DELIVERED, reason=said, by=None, now=now) for p in parcels]
    return any(moved)


@transaction.atomic
def complete_due(*, now: datetime, limit: int = 100) -> int:
    """Complete delivered orders whose return window is over; returns how many."""
    over = now - timedelta(days=settings.RETURN_WINDOW_DAYS)
    due = Order.objects.select_for_update(skip_locked=True).filter(
        state=OrderState.DELIVERED, delivered_at__lte=over
    )
    found = list(due.order_by("delivered_at", "pk")[:limit])
    for order in found:
        move(order, OrderState.COMPLETED, now=now, completed_at=now)
        tell(OrderCompleted, order)
    return len(found)


def arrived(order: Order, *, by: User | None, now: datetime) -> bool:
    """Move an order to "delivered" when everything that was sent of it is there (or is lost).

    One of which everything was lost is not delivered: it is the shop's to give back.
    """
    states = set(
        order.lines.filter(parcel_line__isnull=False).values_list(
            "parcel_line__parcel__state", flat=True
        )
    )
    if ParcelState.DELIVERED not in states or states - {ParcelState.DELIVERED, ParcelState.LOST}:
        return False
    move(order, OrderState.DELIVERED, by=by, now=now, delivered_at=now)
    tell(OrderDelivered, order, delivered_at=now)
    return True


def _parcels_of(order: Order) -> list[Parcel]:
    """Lock an order's parcels; always before orders, so that two never wait for each other."""
    parcels = Parcel.objects.filter(lines__order_line__order=order).values("pk")
    return list(Parcel.objects.select_for_update().filter(pk__in=parcels).order_by("pk"))


def _move(parcel: Parcel, to: ParcelState, *, reason: str, by: User | None, now: datetime) -> bool:
    """Move a locked parcel, and what travels in it; False when nothing leads there."""
    before = ParcelState(parcel.state)
    if to not in PARCEL_TRANSITIONS[before]:
        return False
    parcel.state = to
    if to == ParcelState.DELIVERED:
        parcel.delivered_at = now
    parcel.save(update_fields=["state", "delivered_at"])
    ParcelEvent.objects.create(
        parcel=parcel, from_state=before, to_state=to, reason=reason[:200], by=by, at=now
    )
    inside = Order.objects.filter(lines__parcel_line__parcel=parcel).values("pk")
    orders = list(Order.objects.select_for_update().filter(pk__in=inside).order_by("pk"))
    publish(
        ParcelMoved(
            parcel_id=parcel.pk,
            shop_id=parcel.shop_id,
            buyer_id=parcel.buyer_id,
            numbers=[order.number for order in orders],
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            state=to.value,
        )
    )
    if to in (ParcelState.DELIVERED, ParcelState.LOST):
        _arrive(orders, by=by, now=now)
    return True


def _arrive(orders: Iterable[Order], *, by: User | None, now: datetime) -> None:
    for order in orders:
        # What is not sent whole waits for the rest; what was given back meanwhile stays so.
        if order.is_on_its_way:
            arrived(order, by=by, now=now)
