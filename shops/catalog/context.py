"""What every page knows of the user's shops: whether there are any to manage."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shops.catalog.queries import managed_shops


def my_shops(request: HttpRequest) -> dict[str, object]:
    return {"my_shops": SimpleLazyObject(lambda: list(managed_shops(user=request.user)))}
