"""The SQL of the checkout room: what every order does, in one round trip each."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shops.catalog.models import Product, Shop, Sku
from shops.checkout.models import Cart, CartLine, Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.owner import CartOwner
from shops.facts.rows import ask, columns, joined, models
from shops.stock.models import EntryState, HoldState, ReservationPolicy

# The first statement waits for the cart's lock; the others begin under it and see its lines as they
# are. What kept the ordered units of a line is the order's now.
_TAKE_OUT: Final = """
SELECT id FROM checkout_cart WHERE user_id = %(user)s FOR UPDATE;

WITH ordered AS (
    SELECT line.id, line.quantity - taken.units AS more
    FROM unnest(%(skus)s::bigint[], %(units)s::int[]) AS taken (sku_id, units)
    JOIN checkout_cart cart ON cart.user_id = %(user)s
    JOIN checkout_cartline line ON line.cart_id = cart.id AND line.sku_id = taken.sku_id
), gone AS (
    DELETE FROM checkout_cartline line USING ordered
    WHERE line.id = ordered.id AND ordered.more <= 0
), fewer AS (
    UPDATE checkout_cartline line SET quantity = ordered.more, hold_id = NULL
    FROM ordered WHERE line.id = ordered.id AND ordered.more > 0
)
UPDATE checkout_cart SET version = version + 1, updated_at = %(now)s
WHERE user_id = %(user)s RETURNING version;

SELECT coalesce(sum(line.quantity), 0)::int FROM checkout_cartline line
JOIN checkout_cart cart ON cart.id = line.cart_id WHERE cart.user_id = %(user)s
"""


def take_out(*, user_id: int, ordered: Mapping[int, int], now: datetime) -> tuple[int, int] | None:
    """Take ordered units (SKU id → units) out of a user's cart.

    Returns its version and the units that are left in it; None when the user has no cart.
    """
    _locked, changed, [[left]] = ask(
        _TAKE_OUT,
        {
            "user": user_id,
            "skus": list(ordered),
            "units": list(ordered.values()),
            "now": now,
        },
    )
    return (changed[0][0], left) if changed else None


@dataclass(frozen=True)
class Promise:
    """A quote with all its parts."""

    quote: Quote
    lines: list[QuoteLine]
    shipments: list[QuoteShipment]
    vouchers: list[QuoteVoucher]


# A second order waits for the first one's update, and then finds no open quote.
_TAKE_QUOTE: Final = f"""
UPDATE checkout_quote q SET state = %(ordered)s
WHERE q.id = %(quote)s AND q.buyer_id = %(buyer)s AND q.state = %(open)s
RETURNING {columns(Quote, "q")};

SELECT {columns(QuoteLine, "l")} FROM checkout_quoteline l WHERE l.quote_id = %(quote)s ORDER BY id;

SELECT {columns(QuoteShipment, "s")} FROM checkout_quoteshipment s WHERE s.quote_id = %(quote)s;

SELECT {columns(QuoteVoucher, "v")} FROM checkout_quotevoucher v WHERE v.quote_id = %(quote)s
"""  # noqa: S608  # columns of models


def take_quote(*, quote_id: uuid.UUID, buyer_id: int) -> Promise | None:
    """Move a buyer's open quote to "ordered" and read all of it; None when there is no such."""
    quotes, lines, shipments, vouchers = ask(
        _TAKE_QUOTE,
        {
            "quote": quote_id,
            "buyer": buyer_id,
            "open": Quote.State.OPEN.value,
            "ordered": Quote.State.ORDERED.value,
        },
    )
    if not quotes:
        return None
    return Promise(
        quote=models(Quote, quotes)[0],
        lines=models(QuoteLine, lines),
        shipments=models(QuoteShipment, shipments),
        vouchers=models(QuoteVoucher, vouchers),
    )


_CART: Final = f"""
SELECT {columns(Cart, "c")} FROM checkout_cart c WHERE c.user_id = %(user)s;

SELECT {columns(Quote, "q")} FROM checkout_quote q
WHERE q.buyer_id = %(user)s AND q.state = %(open)s;

SELECT {columns(CartLine, "l")}, {columns(Sku, "sku")}, {columns(Product, "product")},
    {columns(Shop, "shop")}, {columns(ReservationPolicy, "policy")}
FROM checkout_cartline l JOIN checkout_cart c ON c.id = l.cart_id
JOIN catalog_sku sku ON sku.id = l.sku_id
JOIN catalog_product product ON product.id = sku.product_id
JOIN catalog_shop shop ON shop.id = product.shop_id
LEFT JOIN stock_reservationpolicy policy ON policy.product_id = product.id
WHERE c.user_id = %(user)s ORDER BY l.added_at, l.id
"""  # noqa: S608  # columns of models


def cart_and_quote(*, user_id: int) -> tuple[Cart | None, list[CartLine], Quote | None]:
    """Read a user's cart, its lines with products, shops and policies, and their open quote."""
    carts, quotes, rows = ask(_CART, {"user": user_id, "open": Quote.State.OPEN.value})
    cart = next(iter(models(Cart, carts)), None)
    lines = []
    for line, sku, product, shop, policy in joined(
        rows, CartLine, Sku, Product, Shop, ReservationPolicy
    ):
        line.sku = _with_product(sku, product, shop, policy)
        lines.append(line)
    return cart, lines, next(iter(models(Quote, quotes)), None)


_COUNTRY: Final = """
SELECT country FROM accounts_address WHERE user_id = %(user)s ORDER BY is_default DESC, id DESC
LIMIT 1
"""


def country_of(*, user_id: int) -> str:
    """Find the country of the address that a user is offered first; "" for who has none."""
    [rows] = ask(_COUNTRY, {"user": user_id})
    return str(rows[0][0]) if rows else ""


_OFFERS: Final = """
SELECT sku_id, hold_id FROM stock_waitlistentry
WHERE user_id = %(user)s AND state = %(offered)s AND sku_id = ANY(%(skus)s::bigint[])
    AND hold_id IS NOT NULL
"""


def offers_to(*, user_id: int, sku_ids: Sequence[int]) -> dict[int, uuid.UUID]:
    """Find by SKU the holds of what the waitlist offers to a user."""
    [rows] = ask(
        _OFFERS,
        {"user": user_id, "offered": EntryState.OFFERED.value, "skus": list(sku_ids)},
    )
    return dict(rows)


_SKU: Final = f"""
SELECT {columns(Sku, "sku")}, {columns(Product, "product")}, {columns(Shop, "shop")},
    {columns(ReservationPolicy, "policy")}
FROM catalog_sku sku
JOIN catalog_product product ON product.id = sku.product_id
JOIN catalog_shop shop ON shop.id = product.shop_id
LEFT JOIN stock_reservationpolicy policy ON policy.product_id = product.id
WHERE sku.id = %(sku)s
"""  # noqa: S608  # columns of models


def sku_of(sku_id: int) -> Sku | None:
    """Read a SKU with its product, its shop and its policy."""
    [rows] = ask(_SKU, {"sku": sku_id})
    for sku, product, shop, policy in joined(rows, Sku, Product, Shop, ReservationPolicy):
        return _with_product(sku, product, shop, policy)
    return None


def _with_product(sku: Sku, product: Product, shop: Shop, policy: ReservationPolicy | None) -> Sku:
    Product.reservation_policy.related.set_cached_value(product, policy)
    product.shop = shop
    sku.product = product
    return sku


_OF: Final = "(user_id = %(user)s::bigint OR token = %(token)s::uuid)"
_LOCK_CART: Final = f"""
SELECT {columns(Cart, "c")} FROM checkout_cart c WHERE {_OF} FOR UPDATE
"""  # noqa: S608  # columns of a model
_NEW_CART: Final = f"""
INSERT INTO checkout_cart (user_id, token, version, updated_at)
VALUES (%(user)s::bigint, %(token)s::uuid, 0, %(now)s) ON CONFLICT DO NOTHING;
{_LOCK_CART}
"""  # noqa: S608  # nobody's input


def lock_cart(owner: CartOwner, *, now: datetime) -> Cart:
    """Take an owner's cart, a new one where there is none."""
    values = {"user": owner.user_id, "token": owner.token, "now": now}
    [rows] = ask(_LOCK_CART, values)
    if not rows:
        _none, rows = ask(_NEW_CART, values)
    return models(Cart, rows)[0]


_LINES: Final = f"""
SELECT {columns(CartLine, "l")}, sku.currency
FROM checkout_cartline l JOIN catalog_sku sku ON sku.id = l.sku_id WHERE l.cart_id = %(cart)s
"""  # noqa: S608  # columns of a model


def lines_of(cart: Cart) -> list[tuple[CartLine, str]]:
    """Read a cart's lines, each with its currency."""
    [rows] = ask(_LINES, {"cart": cart.pk})
    return [(line, row[-1]) for line, row in zip(models(CartLine, rows), rows, strict=True)]


_CHANGED: Final = """
UPDATE checkout_cart SET version = %(version)s, updated_at = %(now)s WHERE id = %(cart)s;
SELECT coalesce(sum(quantity), 0)::int FROM checkout_cartline WHERE cart_id = %(cart)s
"""


def note_change(cart: Cart) -> int:
    """Write a cart's version and time; returns the units that are in it."""
    _none, [[units]] = ask(
        _CHANGED, {"cart": cart.pk, "version": cart.version, "now": cart.updated_at}
    )
    return int(units)


_COUNT: Final = f"""
SELECT coalesce(sum(l.quantity), 0)::int
FROM checkout_cartline l JOIN checkout_cart c ON c.id = l.cart_id WHERE {_OF}
"""  # noqa: S608  # nobody's input


def count_units(owner: CartOwner) -> int:
    """Count the units in an owner's cart."""
    [[(units,)]] = ask(_COUNT, {"user": owner.user_id, "token": owner.token})
    return int(units)


# What nobody keeps, and what is kept for them: by their cart, their quote, or the waitlist.
_LEFT: Final = f"""
SELECT sku_id, on_hand - reserved FROM stock_stock WHERE sku_id = ANY(%(skus)s::bigint[])
UNION ALL
SELECT sku_id, quantity FROM stock_hold
WHERE state = %(held)s AND sku_id = ANY(%(skus)s::bigint[]) AND id IN (
    SELECT l.hold_id FROM checkout_cartline l JOIN checkout_cart c ON c.id = l.cart_id WHERE {_OF}
    UNION ALL
    SELECT l.hold_id FROM checkout_quoteline l JOIN checkout_quote q ON q.id = l.quote_id
    WHERE q.buyer_id = %(user)s::bigint AND q.state = %(open)s
    UNION ALL
    SELECT hold_id FROM stock_waitlistentry
    WHERE user_id = %(user)s::bigint AND state = %(offered)s)
"""  # noqa: S608  # nobody's input


def units_left(owner: CartOwner, *, sku_ids: Sequence[int]) -> dict[int, int]:
    """Count by SKU what an owner can buy; one without stock has 0."""
    [rows] = ask(
        _LEFT,
        {
            "skus": list(sku_ids),
            "held": HoldState.HELD.value,
            "open": Quote.State.OPEN.value,
            "offered": EntryState.OFFERED.value,
            "user": owner.user_id,
            "token": owner.token,
        },
    )
    left = dict.fromkeys(sku_ids, 0)
    for sku_id, units in rows:
        left[sku_id] += units
    return left


_PLACED: Final = """
SELECT number FROM orders_order WHERE purchase_id = %(purchase)s ORDER BY id;

SELECT id FROM payments_payment WHERE purchase_id = %(purchase)s
"""


def placed(purchase_id: uuid.UUID) -> tuple[list[str], uuid.UUID]:
    """Read the numbers of a purchase's orders, and its first payment: it has no other yet."""
    numbers, [(payment_id,)] = ask(_PLACED, {"purchase": purchase_id})
    return [number for (number,) in numbers], payment_id
