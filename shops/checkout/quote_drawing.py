"""Parts of the checkout page that look the same to all who buy the same: they are drawn once.

What is sold live is shown to thousands, at the same prices. A part is drawn of plain values and
knows nothing else, so nothing of anybody can be shown to another.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

_MOST_KEPT: Final = 1000


class Totals(NamedTuple):
    """What is paid; what deals and vouchers take off stands beside it."""

    currency: str
    units: int
    list_goods_minor: int
    saved_minor: int
    vouchers: Sequence[tuple[str, int]]
    shipping_minor: int
    added_tax_minor: int
    included_tax_minor: int
    total_minor: int
    is_available: bool


class Picture(NamedTuple):
    url: str


class Goods(NamedTuple):
    """A line of a shop's part."""

    image: Picture | None
    title: str
    options_text: str
    quantity: int
    unit_price_minor: int
    list_price_minor: int
    total_minor: int
    is_held: bool


class Way(NamedTuple):
    """A way to send it, and what that costs."""

    method_id: int | None
    name: str
    days_min: int
    days_max: int
    amount_minor: int


class Part(NamedTuple):
    """What one shop sends, and how it could."""

    shop: str
    field: str
    country: str
    currency: str
    goods: Sequence[Goods]
    ways: Sequence[Way]
    is_available: bool
    chosen_id: int | None
    name: str
    amount_minor: int

    @property
    def chosen(self) -> Way | None:
        return next((one for one in self.ways if one.method_id == self.chosen_id), None)

    @property
    def has_choice(self) -> bool:
        return len(self.ways) > 1


def drawn_totals(totals: Totals) -> SafeString:
    return _drawn("checkout/parts/totals.html", "totals", totals, get_language())


def drawn_part(part: Part) -> SafeString:
    return _drawn("checkout/parts/part.html", "part", part, get_language())


@lru_cache(maxsize=_MOST_KEPT)
def _drawn(template: str, name: str, values: Totals | Part, language: str | None) -> SafeString:
    return SafeString(render_to_string(template, {name: values}))
