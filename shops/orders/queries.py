"""Reads of orders, for their buyer and for their shop."""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)

from shops.facts.refused import NotFound
from shops.orders import statements
from shops.orders.models import (
    BEFORE_SHIPPING,
    OVER,
    TO_PACK,
    Order,
    OrderEvent,
    OrderLine,
    OrderState,
    Parcel,
    ParcelEvent,
    ParcelLine,
)

PER_PAGE: Final = 25
# What a buyer looks for: several states each.
BUYER_FILTERS: Final[dict[str, tuple[OrderState, ...]]] = {
    "to_pay": (OrderState.UNPAID,),
    "open": (*BEFORE_SHIPPING, OrderState.PARTIALLY_SHIPPED, OrderState.IN_TRANSIT),
    "arrived": (OrderState.DELIVERED, OrderState.COMPLETED),
    "over": OVER,
}


def orders_of_buyer(*, buyer_id: int, show: str = "", text: str = "") -> QuerySet[Order]:
    """List a buyer's orders, the newest first, with their lines and shops.

    `show` is a name of `BUYER_FILTERS`, `text` part of a number, a shop's or a product's name.
    """
    orders = _whole().filter(buyer_id=buyer_id)
    if show in BUYER_FILTERS:
        orders = orders.filter(state__in=BUYER_FILTERS[show])
    if text:
        orders = orders.filter(
            Q(number__icontains=text) | Q(shop__name__icontains=text) | _has_line(text)
        )
    return orders.order_by("-placed_at", "-pk")


def orders_of_shop(*, shop_id: int, state: str = "", text: str = "") -> QuerySet[Order]:
    """List a shop's orders: those to be shipped first, then the newest; one state or all.

    `text` is part of a number, of a product's name or of the buyer's: the last only of orders
    whose address the shop knows.
    """
    orders = _whole().filter(shop_id=shop_id)
    if state in OrderState.values:
        orders = orders.filter(state=state)
    if text:
        known = Q(released_at__isnull=False, address__full_name__icontains=text)
        orders = orders.filter(Q(number__icontains=text) | known | _has_line(text))
    to_ship_first = Case(
        When(state__in=TO_PACK, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    return orders.order_by(to_ship_first, "-placed_at", "-pk")


def order_of_buyer(*, number: str, buyer_id: int) -> Order:
    """Find an order by number; somebody else's does not exist."""
    return _one(_with_parcels().filter(number=number, buyer_id=buyer_id))


def order_of_shop(*, number: str, shop_id: int) -> Order:
    return _one(_with_parcels().filter(number=number, shop_id=shop_id))


def siblings(*, order: Order) -> list[Order]:
    """List the other shops' orders that are paid together with this one."""
    others = Order.objects.select_related("shop").filter(purchase_id=order.purchase_id)
    return list(others.exclude(pk=order.pk).order_by("pk"))


def orders_by_id(*, order_ids: Sequence[int]) -> list[Order]:
    """Read orders as they are, without anything around them."""
    return statements.read(order_ids)


def first_number(*, purchase_id: uuid.UUID) -> str:
    """Name the order that a purchase is shown by."""
    return statements.first_number(purchase_id)


def parcels_of_order(*, order: Order) -> list[Parcel]:
    """List the parcels that an order came in, with what of it was in each and their history."""
    inside = ParcelLine.objects.filter(order_line__order=order).select_related("order_line")
    parcels = Parcel.objects.filter(lines__order_line__order=order).distinct()
    return list(
        parcels.prefetch_related(
            Prefetch("lines", inside.order_by("pk"), "shown_lines"),
            Prefetch("events", ParcelEvent.objects.order_by("at", "pk"), "shown_events"),
        ).order_by("shipped_at", "pk")
    )


def clean(text: str) -> str:
    """Make what somebody searches for fit to be searched for."""
    return text.replace("\x00", "").strip()[:100]


def _has_line(text: str) -> Exists:
    return Exists(OrderLine.objects.filter(order=OuterRef("pk"), title__icontains=text))


def _whole() -> QuerySet[Order]:
    return Order.objects.select_related("shop", "purchase", "buyer").prefetch_related(
        Prefetch(
            "lines",
            OrderLine.objects.select_related("sku__product")
            .prefetch_related("sku__product__images")
            .order_by("pk"),
            "shown_lines",
        )
    )


def _with_parcels() -> QuerySet[Order]:
    events = OrderEvent.objects.select_related("by").order_by("at", "pk")
    return _whole().prefetch_related(Prefetch("events", events, "shown_events"))


def _one(orders: QuerySet[Order]) -> Order:
    order = orders.first()
    if order is None:
        raise NotFound
    return order
