"""What the demo's shops ask for sending, and what some countries take."""

from typing import Final

from django.db import transaction

from shops.catalog.models import Category, Shop
from shops.pricing.models import ShippingMethod, TaxRate
from shops.pricing.services import RateFields, save_method

# Country → basis points, in the price or on top.
_TAXES: Final = (
    ("IT", 2200, True),
    ("DE", 1900, True),
    ("FR", 2000, True),
    ("ES", 2100, True),
    ("GB", 2000, True),
    ("US", 0, False),
)
_BOOKS_IN_ITALY: Final = 400


@transaction.atomic
def seed_prices() -> None:
    """Set taxes and ways to send where nobody has set any."""
    if not TaxRate.objects.exists():
        TaxRate.objects.bulk_create(
            TaxRate(country=country, bps=bps, is_inclusive=is_inclusive)
            for country, bps, is_inclusive in _TAXES
        )
        books = Category.objects.filter(slug="books").first()
        if books is not None:
            TaxRate.objects.create(country="IT", category=books, bps=_BOOKS_IN_ITALY)
    for shop in Shop.objects.exclude(pk__in=ShippingMethod.objects.values("shop_id")):
        at_home = RateFields(shop.country, 490, 0, 5000)
        save_method(
            shop=shop,
            name="Standard",
            days_min=2,
            days_max=5,
            is_active=True,
            rates=[at_home, RateFields("", 1490, 0, None)],
        )
        save_method(
            shop=shop,
            name="Express",
            days_min=1,
            days_max=1,
            is_active=True,
            rates=[RateFields(shop.country, 990, 0, None)],
        )
