"""The two invented shops and what they sell, through the same importer as everybody's feeds."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from shops.catalog.models import Category, Shop
from shops.feeds.services import import_feed

_FOLDER: Final = Path(__file__).resolve().parent
_CATEGORIES: Final = (
    ("home", "Home"),
    ("fashion", "Fashion"),
    ("garden", "Garden"),
    ("food", "Food"),
)


@dataclass(frozen=True)
class DemoShop:
    slug: str
    name: str
    country: str


SHOPS: Final = (
    DemoShop("atelier-lumen", "Atelier Lumen", "FR"),
    DemoShop("orto-verde", "Orto Verde", "IT"),
)


class BrokenCatalogue(RuntimeError):
    """The demo's own feed has errors."""


def seed_catalogue(*, now: datetime) -> list[Shop]:
    """Make the demo's categories and shops and import their feeds; returns the shops.

    A shop that has products keeps them as they are by now: somebody may have changed them.
    """
    for position, (slug, name) in enumerate(_CATEGORIES, start=1):
        Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position})
    shops = []
    for demo in SHOPS:
        shop, _is_new = Shop.objects.get_or_create(
            slug=demo.slug,
            defaults={"name": demo.name, "country": demo.country, "currency": "EUR"},
        )
        shops.append(shop)
        if shop.products.exists():
            continue
        path = _FOLDER / f"{demo.slug}.csv"
        with path.open("rb") as file:
            outcome = import_feed(shop=shop, file=file, file_name=path.name, now=now)
        if outcome.errors:
            raise BrokenCatalogue(f"{path.name}: {outcome.errors[0]}")
    return shops
