"""Reads of orders, for their buyer and for their shop."""

from django.db.models import Case, IntegerField, Prefetch, QuerySet, Value, When

from shops.facts.refused import NotFound
from shops.orders.models import Order, OrderEvent, OrderLine, OrderState, Purchase

PER_PAGE = 50


def orders_of_buyer(*, buyer_id: int) -> list[Order]:
    """List a buyer's newest orders with their lines and shops."""
    return list(_whole().filter(buyer_id=buyer_id).order_by("-placed_at", "-pk")[:PER_PAGE])


def orders_of_shop(*, shop_id: int, state: str = "") -> list[Order]:
    """List a shop's orders: those to be shipped first, then the newest; one state or all."""
    orders = _whole().filter(shop_id=shop_id)
    if state in OrderState.values:
        orders = orders.filter(state=state)
    to_ship_first = Case(
        When(state=OrderState.AWAITING_SHIPMENT, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return list(orders.order_by(to_ship_first, "-placed_at", "-pk")[:PER_PAGE])


def order_of_buyer(*, number: str, buyer_id: int) -> Order:
    """Find an order by number; somebody else's does not exist."""
    return _one(_whole().filter(number=number, buyer_id=buyer_id))


def order_of_shop(*, number: str, shop_id: int) -> Order:
    return _one(_whole().filter(number=number, shop_id=shop_id))


def siblings(*, order: Order) -> list[Order]:
    """List the other shops' orders that are paid together with this one."""
    others = Order.objects.select_related("shop").filter(purchase_id=order.purchase_id)
    return list(others.exclude(pk=order.pk).order_by("pk"))


def first_number(*, purchase: Purchase) -> str:
    """Name the order that a purchase is shown by."""
    numbers = Order.objects.filter(purchase=purchase).order_by("pk")
    return numbers.values_list("number", flat=True)[0]


def _whole() -> QuerySet[Order]:
    return Order.objects.select_related("shop", "purchase", "buyer").prefetch_related(
        Prefetch(
            "lines",
            OrderLine.objects.select_related("sku__product")
            .prefetch_related("sku__product__images")
            .order_by("pk"),
            "shown_lines",
        ),
        Prefetch("events", OrderEvent.objects.order_by("at", "pk"), "shown_events"),
    )


def _one(orders: QuerySet[Order]) -> Order:
    order = orders.first()
    if order is None:
        raise NotFound
    return order
