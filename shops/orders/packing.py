"""What a shop has to pack: one parcel per buyer, show and address; and what it has sent."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Prefetch, Q, QuerySet

from shops.facts.refused import NotFound
from shops.orders.models import TO_PACK, Order, OrderLine, Parcel, ParcelEvent, ParcelLine

# Orders that a packing page shows; the most urgent ones.
MOST: Final = 100


@dataclass(frozen=True)
class Box:
    """Orders that go into one parcel, and their lines that were not sent."""

    orders: tuple[Order, ...]
    lines: tuple[OrderLine, ...]

    @property
    def key(self) -> str:
        """Name the box on a page: its orders' keys."""
        return "-".join(str(order.pk) for order in self.orders)

    @property
    def address(self) -> Mapping[str, Any]:
        return self.orders[0].seller_address

    @property
    def ship_by(self) -> datetime | None:
        return min((order.ship_by for order in self.orders if order.ship_by), default=None)

    @property
    def shipping_methods(self) -> list[str]:
        return sorted({order.shipping_method for order in self.orders if order.shipping_method})

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)


def boxes(*, shop_id: int) -> list[Box]:
    """List what a shop has to pack, the most urgent first."""
    return _boxes(_to_pack(shop_id).order_by("ship_by", "pk")[:MOST])


def boxes_of(*, shop_id: int, keys: Iterable[str]) -> list[Box]:
    """Find boxes by their keys; what was sent or cancelled meanwhile is no longer in them."""
    ids = {int(part) for key in keys for part in key.split("-") if _is_id(part)}
    return _boxes(_to_pack(shop_id).filter(pk__in=ids).order_by("ship_by", "pk"))


def box_of(*, shop_id: int, number: str) -> Box:
    """Find the box that an order goes into, with all that travels with it.

    :raises NotFound: the shop has no such order that waits for shipment
    """
    found = _to_pack(shop_id).filter(number=number).first()
    if found is None:
        raise NotFound
    together = _to_pack(shop_id).filter(buyer_id=found.buyer_id, group=found.group)
    for box in _boxes(together.order_by("ship_by", "pk")):
        if any(order.pk == found.pk for order in box.orders):
            return box
    raise NotFound  # sent while we looked


def to_pack_count(*, shop_id: int) -> int:
    return Order.objects.filter(shop_id=shop_id, state__in=TO_PACK).count()


def parcels_of_shop(*, shop_id: int, state: str = "", text: str = "") -> QuerySet[Parcel]:
    """List what a shop has sent, the newest first; `text`: tracking or order number, or buyer."""
    parcels = _shown(Parcel.objects.filter(shop_id=shop_id))
    if state:
        parcels = parcels.filter(state=state)
    if text:
        inside = ParcelLine.objects.filter(
            Q(order_line__order__number__icontains=text)
            | Q(order_line__order__address__full_name__icontains=text)
        )
        parcels = parcels.filter(
            Q(tracking_number__icontains=text) | Q(pk__in=inside.values("parcel_id"))
        )
    return parcels.order_by("-shipped_at", "-pk")


def parcel_of_shop(*, shop_id: int, parcel_id: int) -> Parcel:
    found = _shown(Parcel.objects.filter(shop_id=shop_id, pk=parcel_id)).first()
    if found is None:
        raise NotFound
    return found


def box_of_parcel(parcel: Parcel) -> Box:
    """Give what is in a parcel the shape of what is to be packed, for its slip."""
    lines = [one.order_line for one in parcel.shown_lines]  # type: ignore[attr-defined]  # prefetched
    orders = {line.order_id: line.order for line in lines}
    return Box(orders=tuple(orders.values()), lines=tuple(lines))


def _shown(parcels: QuerySet[Parcel]) -> QuerySet[Parcel]:
    inside = ParcelLine.objects.select_related("order_line__order__shop", "order_line__sku")
    events = ParcelEvent.objects.select_related("by").order_by("at", "pk")
    return parcels.select_related("shop").prefetch_related(
        Prefetch("lines", inside.order_by("pk"), "shown_lines"),
        Prefetch("events", events, "shown_events"),
    )


def _to_pack(shop_id: int) -> QuerySet[Order]:
    unsent = OrderLine.objects.filter(parcel_line__isnull=True, cancelled_at__isnull=True)
    return (
        Order.objects.filter(shop_id=shop_id, state__in=TO_PACK)
        .select_related("shop", "buyer")
        .prefetch_related(
            Prefetch("lines", unsent.select_related("sku").order_by("pk"), "unsent_lines")
        )
    )


def _boxes(orders: Iterable[Order]) -> list[Box]:
    together: dict[tuple[int, str, str], list[Order]] = {}
    for order in orders:
        where = json.dumps(order.address, sort_keys=True)
        together.setdefault((order.buyer_id, order.group, where), []).append(order)
    return [
        Box(
            orders=tuple(group),
            lines=tuple(line for order in group for line in order.unsent_lines),  # type: ignore[attr-defined]
        )
        for group in together.values()
    ]


def only(box: Box, line_ids: Collection[int]) -> Box:
    """Take just some lines of a box."""
    lines = tuple(line for line in box.lines if line.pk in line_ids)
    inside = {line.order_id for line in lines}
    return Box(orders=tuple(order for order in box.orders if order.pk in inside), lines=lines)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
