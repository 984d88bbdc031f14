"""How shops send, as their sellers set it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop
from shops.facts.refused import Invalid, NotFound, Refused
from shops.pricing.models import ShippingMethod, ShippingRate

MOST_METHODS: Final = 20


class TooManyMethods(Refused):
    code = "too_many_methods"
    message = _("Your shop has as many ways to send as one can have.")


class BadRates(Invalid):
    code = "bad_rates"
    message = _("Give at least one country a price, and each country only one.")


@dataclass(frozen=True)
class RateFields:
    """What a method costs to one country ("": to every other one)."""

    country: str
    base_minor: int
    per_item_minor: int
    free_from_minor: int | None


@transaction.atomic
def save_method(
    *,
    shop: Shop,
    method_id: int | None = None,
    name: str,
    days_min: int,
    days_max: int,
    is_active: bool,
    rates: Sequence[RateFields],
) -> ShippingMethod:
    """Add a way to send to a shop, or change one, with all its rates.

    Quotes keep what they promised.

    :raises BadRates: there is no rate, or a country has two
    :raises TooManyMethods: the shop has `MOST_METHODS`
    :raises NotFound: the shop has no such method
    """
    if not rates or len({rate.country for rate in rates}) != len(rates):
        raise BadRates
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    if method_id is None:
        count = ShippingMethod.objects.filter(shop=shop).count()
        if count >= MOST_METHODS:
            raise TooManyMethods
        method = ShippingMethod(shop=shop, position=count)
    else:
        found = ShippingMethod.objects.filter(shop=shop, pk=method_id).first()
        if found is None:
            raise NotFound
        method = found
    method.name = name
    method.days_min, method.days_max = days_min, days_max
    method.is_active = is_active
    method.save()
    ShippingRate.objects.filter(method=method).delete()
    ShippingRate.objects.bulk_create(
        ShippingRate(
            method=method,
            country=rate.country,
            base_minor=rate.base_minor,
            per_item_minor=rate.per_item_minor,
            free_from_minor=rate.free_from_minor,
        )
        for rate in rates
    )
    return method
