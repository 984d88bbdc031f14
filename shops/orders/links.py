"""Links to orders in mails: signed for guests, who have no password to sign in with."""

from typing import Final

from django.core import signing
from django.db.models import Prefetch
from django.urls import reverse

from shops.orders.models import Order, OrderEvent

_SALT: Final = "orders.link"


def path_of(order: Order) -> str:
    """Tell where the buyer of an order (loaded with it) can look at it."""
    if order.buyer.has_usable_password():
        return reverse("checkout:order", args=[order.number])
    return reverse("checkout:order_by_link", args=[token_of(order)])


def token_of(order: Order) -> str:
    return signing.dumps(order.number, salt=_SALT)


def order_by_token(token: str) -> Order | None:
    """Find the order that a signed link shows, with what its page needs; None for a forged one."""
    try:
        number = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    events = Prefetch("events", OrderEvent.objects.order_by("pk"))
    found = Order.objects.select_related("buyer", "shop").prefetch_related(events, "lines")
    return found.filter(number=number).first()
