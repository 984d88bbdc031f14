"""Goods leave the shop: lines of released orders go into a parcel."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused
from shops.orders import carriers
from shops.orders.events import OrderShipped
from shops.orders.models import (
    Order,
    OrderLine,
    OrderState,
    Parcel,
    ParcelEvent,
    ParcelLine,
    ParcelState,
)
from shops.orders.services.moves import add_note, move, tell
from shops.stock import services as stock


class NotShippable(Refused):
    """`extra`: `numbers` of the orders that can't be."""

    code = "order_not_shippable"
    message = _("This order is not waiting for shipment: it may have been cancelled.")


class AlreadySent(Refused):
    code = "already_sent"
    message = _("This was marked as shipped before.")


class NotTogether(Refused):
    code = "not_together"
    message = _("Only goods for one buyer at one address go into one parcel.")
    status = 422


class TrackingUsed(Refused):
    code = "tracking_number_used"
    message = _("Another parcel of yours has this tracking number.")


@transaction.atomic
def ship(
    *,
    shop_id: int,
    line_ids: Sequence[int],
    carrier: str,
    tracking_number: str,
    by: User | None,
    now: datetime,
) -> Parcel:
    """Hand lines of a shop's orders to a carrier as one parcel; their units leave the stock.

    :raises BadTracking: not a number of this carrier
    :raises NotFound: a line is not this shop's, or there is none
    :raises NotShippable: an order is not (or no longer) waiting for shipment
    :raises AlreadySent: a line is in a parcel
    :raises NotTogether: the lines go to different buyers, addresses or shows
    :raises TrackingUsed: the shop's other parcel has this number
    """
    number = carriers.checked(carrier, tracking_number)
    orders, lines = _locked(shop_id, line_ids)
    if len({order.buyer_id for order in orders}) > 1 or any(
        (order.group, order.address) != (orders[0].group, orders[0].address) for order in orders
    ):
        raise NotTogether
    parcel = _create(orders[0], carrier, number, now=now)
    ParcelLine.objects.bulk_create(ParcelLine(parcel=parcel, order_line=line) for line in lines)
    ParcelEvent.objects.create(parcel=parcel, to_state=ParcelState.PENDING, by=by, at=now)
    stock.ship(hold_ids=[line.hold_id for line in lines], actor=by, now=now)
    unsent = set(
        OrderLine.objects.filter(
            order__in=orders, parcel_line__isnull=True, cancelled_at__isnull=True
        ).values_list("order_id", flat=True)
    )
    for order in orders:
        _sent(order, parcel, is_partial=order.pk in unsent, by=by, now=now)
    return parcel


@transaction.atomic
def correct_tracking(
    *, parcel_id: int, shop_id: int, carrier: str, tracking_number: str, by: User, now: datetime
) -> Parcel:
    """Mend what was mistyped; the parcel's history keeps what stood there.

    :raises NotFound: no such parcel of this shop
    :raises BadTracking: not a number of this carrier
    :raises TrackingUsed: the shop's other parcel has this number
    """
    number = carriers.checked(carrier, tracking_number)
    parcel = Parcel.objects.select_for_update().filter(pk=parcel_id, shop_id=shop_id).first()
    if parcel is None:
        raise NotFound
    before = f"{carriers.name_of(parcel.carrier)} {parcel.tracking_number}"
    if (parcel.carrier, parcel.tracking_number) == (carrier, number):
        return parcel
    parcel.carrier, parcel.tracking_number = carrier, number
    try:
        with transaction.atomic():
            parcel.save(update_fields=["carrier", "tracking_number"])
    except IntegrityError:
        raise TrackingUsed from None
    ParcelEvent.objects.create(
        parcel=parcel,
        from_state=parcel.state,
        to_state=parcel.state,
        reason=gettext("Was: %(before)s") % {"before": before},
        by=by,
        at=now,
    )
    return parcel


def _locked(shop_id: int, line_ids: Sequence[int]) -> tuple[list[Order], list[OrderLine]]:
    """Take the lines' orders, in the order of their keys, and see that all may be sent."""
    mine = OrderLine.objects.filter(pk__in=set(line_ids), order__shop_id=shop_id)
    order_ids = set(mine.values_list("order_id", flat=True))
    orders = list(Order.objects.select_for_update().filter(pk__in=order_ids).order_by("pk"))
    # Read under the lock: another of the shop's people may just have sent some.
    lines = list(mine.select_related("parcel_line").order_by("pk"))
    if not lines or len(lines) != len(set(line_ids)):
        raise NotFound
    if any(hasattr(line, "parcel_line") for line in lines):
        raise AlreadySent
    closed = [order.number for order in orders if not order.is_to_be_packed]
    called_off = [line.order_id for line in lines if line.cancelled_at]
    if closed or called_off:
        raise NotShippable(
            numbers=closed or [order.number for order in orders if order.pk in called_off]
        )
    return orders, lines


def _create(order: Order, carrier: str, number: str, *, now: datetime) -> Parcel:
    try:
        with transaction.atomic():
            return Parcel.objects.create(
                shop_id=order.shop_id,
                buyer_id=order.buyer_id,
                group=order.group,
                carrier=carrier,
                tracking_number=number,
                shipped_at=now,
            )
    except IntegrityError:
        raise TrackingUsed from None


def _sent(
    order: Order, parcel: Parcel, *, is_partial: bool, by: User | None, now: datetime
) -> None:
    said = f"{carriers.name_of(parcel.carrier)} {parcel.tracking_number}"
    if not is_partial:
        move(order, OrderState.IN_TRANSIT, reason=said, by=by, now=now, shipped_at=now)
    elif order.state == OrderState.AWAITING_SHIPMENT:
        move(order, OrderState.PARTIALLY_SHIPPED, reason=said, by=by, now=now)
    else:
        text = gettext("Another part was shipped: %(parcel)s") % {"parcel": said}
        add_note(order, text, by=by, now=now)
    tell(OrderShipped, order, parcel_id=parcel.pk, is_partial=is_partial)
