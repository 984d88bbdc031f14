"""What every page shows of the cart: how many units are in it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shops.checkout.owner import owner_of
from shops.checkout.queries import unit_count


def cart_badge(request: HttpRequest) -> dict[str, object]:
    return {"cart_count": SimpleLazyObject(lambda: unit_count(owner=owner_of(request)))}
