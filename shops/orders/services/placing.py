"""Write down what is bought: one order per shop."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string

from shops.catalog.models import Sku
from shops.facts.publishing import publish_all
from shops.facts.rows import ask_each
from shops.facts.transactions import whole
from shops.orders import statements
from shops.orders.events import OrderFact, OrderPlaced
from shops.orders.models import Order, Purchase
from shops.orders.services.moves import fact_of

# No 0/O, 1/I/L, U: read aloud and typed without mistakes.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class LineToPlace:
    """Units of one SKU at a price that was promised; `hold_id` keeps them.

    Amounts are of the whole line. `is_first_paid`: nothing is kept; whoever pays first gets it,
    and the hold is made under this id when the money is there.
    """

    sku_id: int
    hold_id: uuid.UUID
    quantity: int
    unit_price_minor: int
    referral: str = ""
    discount_minor: int = 0
    tax_minor: int = 0
    tax_bps: int = 0
    is_tax_inclusive: bool = True
    is_first_paid: bool = False

    @property
    def goods_minor(self) -> int:
        return self.quantity * self.unit_price_minor

    @property
    def paid_minor(self) -> int:
        added = 0 if self.is_tax_inclusive else self.tax_minor
        return self.goods_minor - self.discount_minor + added


@dataclass(frozen=True)
class ShippingToPlace:
    """How one shop sends its part, and what that costs."""

    shop_id: int
    method: str
    amount_minor: int
    tax_minor: int = 0
    is_tax_inclusive: bool = True

    @property
    def paid_minor(self) -> int:
        return self.amount_minor + (0 if self.is_tax_inclusive else self.tax_minor)


class ToPlace(NamedTuple):
    """What one buyer buys; a shop that `shipping` does not name sends for nothing."""

    buyer_id: int
    quote_id: uuid.UUID
    lines: Sequence[LineToPlace]
    address: Mapping[str, Any]
    currency: str
    now: datetime
    pay_by: datetime
    shipping: Sequence[ShippingToPlace] = ()


class Placed(NamedTuple):
    """A purchase with its unpaid orders, in the order of their shops, and what these came by."""

    purchase: Purchase
    orders: list[Order]
    referrals: list[list[str]]


def new_number() -> str:
    """Make a short order number that can't be guessed (30⁸ of them)."""
    number = secrets.randbelow(len(_ALPHABET) ** 8)
    letters = ""
    for _ in range(8):
        number, place = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[place]
    return f"LS-{letters[:4]}-{letters[4:]}"


@whole
def place(wanted: Sequence[ToPlace]) -> list[Placed]:
    """Write down purchases: one unpaid order per shop, their lines with frozen price and rates."""
    placed, _rows = write(draft(wanted))
    publish_all(facts_of(placed))
    return placed


class Draft(NamedTuple):
    """Purchases that are not written yet, with what their orders and lines will say."""

    purchases: Sequence[Purchase]
    orders: Sequence[Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]


def draft(wanted: Sequence[ToPlace]) -> Draft:
    """Work out what is to be written for purchases; `write` does it."""
    skus = statements.skus(sku_ids={line.sku_id for one in wanted for line in one.lines})
    purchases: list[Purchase] = []
    orders: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for one in wanted:
        by_shop: dict[int, list[LineToPlace]] = {}
        for line in one.lines:
            _sku, _title, shop_id = skus[line.sku_id]
            by_shop.setdefault(shop_id, []).append(line)
        sent = {way.shop_id: way for way in one.shipping if way.shop_id in by_shop}
        purchase = Purchase(
            buyer_id=one.buyer_id,
            quote_id=one.quote_id,
            currency=one.currency,
            total_minor=sum(line.paid_minor for line in one.lines)
            + sum(way.paid_minor for way in sent.values()),
            placed_at=one.now,
            pay_by=one.pay_by,
        )
        purchases.append(purchase)
        for shop_id, lines in sorted(by_shop.items()):
            how = sent.get(shop_id) or ShippingToPlace(shop_id=shop_id, method="", amount_minor=0)
            orders.append(
                {
                    "number": new_number(),
                    "purchase_id": purchase.pk,
                    "shop_id": shop_id,
                    "buyer_id": one.buyer_id,
                    "group": _group(lines),
                    "currency": one.currency,
                    "goods_minor": sum(line.goods_minor for line in lines),
                    "discount_minor": sum(line.discount_minor for line in lines),
                    "shipping_minor": how.amount_minor,
                    "tax_minor": sum(line.tax_minor for line in lines),
                    "shipping_tax_minor": how.tax_minor,
                    "total_minor": sum(line.paid_minor for line in lines) + how.paid_minor,
                    "shipping_method": how.method[:80],
                    "address": dict(one.address),
                    "placed_at": one.now,
                }
            )
            number = orders[-1]["number"]
            rows += [_row(line, *skus[line.sku_id][:2], number=number) for line in lines]
    return Draft(purchases, orders, rows)


def write(
    draft: Draft, *, along: Sequence[statements.Asked] = ()
) -> tuple[list[Placed], list[list[Any]]]:
    """Write purchases with their orders; `along` goes behind them in the same trip.

    Returns what was placed, and the rows of `along`. Who calls tells of it (`facts_of`).
    """
    asked = statements.placing(draft.purchases, orders=draft.orders, lines=draft.lines)
    _none, numbers, *rows = ask_each([*asked, *along])
    ids = dict(numbers)
    came_by: dict[str, list[str]] = {}
    for line in draft.lines:
        came_by.setdefault(line["number"], []).append(line["referral"])
    by_purchase = {purchase.pk: Placed(purchase, [], []) for purchase in draft.purchases}
    for fields in draft.orders:
        placed = by_purchase[fields["purchase_id"]]
        order = Order(pk=ids[fields["number"]], **fields)
        order.purchase = placed.purchase
        placed.orders.append(order)
        placed.referrals.append(came_by[order.number])
    return list(by_purchase.values()), rows


def facts_of(placed: Iterable[Placed]) -> list[OrderFact]:
    """Tell what has happened by `write`."""
    return [
        fact_of(OrderPlaced, order, referrals=referrals)
        for one in placed
        for order, referrals in zip(one.orders, one.referrals, strict=True)
    ]


def _row(line: LineToPlace, sku: Sku, title: str, *, number: str) -> dict[str, Any]:
    return {
        "number": number,
        "sku_id": line.sku_id,
        "hold_id": line.hold_id,
        "is_first_paid": line.is_first_paid,
        "title": title,
        "options_text": sku.options_text,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "discount_minor": line.discount_minor,
        "tax_minor": line.tax_minor,
        "tax_bps": line.tax_bps,
        "is_tax_inclusive": line.is_tax_inclusive,
        "referral": line.referral,
        "fee_bps": settings.PLATFORM_FEE_BPS,
        # Nobody brought a sale without a referral, so nobody earns commission on it.
        "commission_bps": settings.COMMISSION_BPS if line.referral else 0,
    }


def _group(lines: Sequence[LineToPlace]) -> str:
    """Name what an order travels with; the roof knows how to read a referral."""
    show_of: Callable[[str], str] = import_string(settings.PARCEL_GROUP)
    return next((group for line in lines if (group := show_of(line.referral)[:64])), "")
