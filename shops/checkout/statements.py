"""The SQL of the checkout room: what every order does, in one round trip each."""

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shops.catalog.models import Product, Shop, Sku
from shops.checkout.models import Cart, CartLine, Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.owner import CartOwner
from shops.facts.rows import ask, ask_each, columns, joined, models
from shops.pricing.models import Deal
from shops.pricing.statements import DEALS
from shops.stock.models import EntryState, HoldState, ReservationPolicy

# The first statement waits for the carts' locks; the others begin under them and see their lines as
# they are. What kept the ordered units of a line is the order's now.
_TAKE_OUT: Final = """
SELECT id FROM checkout_cart WHERE user_id = ANY(%(users)s::bigint[]) ORDER BY id FOR UPDATE;

WITH ordered AS (
    SELECT line.id, line.quantity - taken.units AS more
    FROM jsonb_to_recordset(%(taken)s::jsonb) AS taken (user_id bigint, sku_id bigint, units int)
    JOIN checkout_cart cart USING (user_id)
    JOIN checkout_cartline line ON line.cart_id = cart.id AND line.sku_id = taken.sku_id
), gone AS (
    DELETE FROM checkout_cartline line USING ordered
    WHERE line.id = ordered.id AND ordered.more <= 0
), fewer AS (
    UPDATE checkout_cartline line SET quantity = ordered.more, hold_id = NULL
    FROM ordered WHERE line.id = ordered.id AND ordered.more > 0
)
UPDATE checkout_cart SET version = version + 1, updated_at = %(now)s
WHERE user_id = ANY(%(users)s::bigint[]);

SELECT cart.user_id, cart.version, coalesce(sum(line.quantity), 0)::int
FROM checkout_cart cart LEFT JOIN checkout_cartline line ON line.cart_id = cart.id
WHERE cart.user_id = ANY(%(users)s::bigint[]) GROUP BY cart.id ORDER BY cart.id
"""


def take_out(
    ordered: Mapping[int, Mapping[int, int]], *, now: datetime
) -> list[tuple[int, int, int]]:
    """Take ordered units (SKU id → units, by user) out of users' carts.

    Returns (user, version, units that are left) of each cart; who has none is not among them.
    """
    taken = [
        {"user_id": user_id, "sku_id": sku_id, "units": units}
        for user_id, own in ordered.items()
        for sku_id, units in own.items()
    ]
    _locked, _changed, carts = ask(
        _TAKE_OUT, {"users": list(ordered), "taken": json.dumps(taken), "now": now}
    )
    return carts


@dataclass(frozen=True)
class Promise:
    """A quote with all its parts."""

    quote: Quote
    lines: list[QuoteLine]
    shipments: list[QuoteShipment]
    vouchers: list[QuoteVoucher]


# The first statement waits for the quotes' locks: a second order of one finds it ordered.
_LOCK_QUOTES: Final = f"""
SELECT {columns(Quote, "q")} FROM checkout_quote q
WHERE q.id = ANY(%(quotes)s::uuid[]) ORDER BY q.id FOR UPDATE;

SELECT {columns(QuoteLine, "l")} FROM checkout_quoteline l
WHERE l.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY id;

SELECT {columns(QuoteShipment, "s")} FROM checkout_quoteshipment s
WHERE s.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY id;

SELECT {columns(QuoteVoucher, "v")} FROM checkout_quotevoucher v
WHERE v.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY id
"""  # noqa: S608  # columns of models


def lock_quotes(quote_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Promise]:
    """Read quotes with all their parts, under their locks."""
    quotes, *parts = ask(_LOCK_QUOTES, {"quotes": list(quote_ids)})
    found = {quote.pk: Promise(quote, [], [], []) for quote in models(Quote, quotes)}
    lines, shipments, vouchers = parts
    for line in models(QuoteLine, lines):
        found[line.quote_id].lines.append(line)
    for shipment in models(QuoteShipment, shipments):
        found[shipment.quote_id].shipments.append(shipment)
    for voucher in models(QuoteVoucher, vouchers):
        found[voucher.quote_id].vouchers.append(voucher)
    return found


_LOCK_VOUCHERS: Final = """
SELECT id FROM pricing_voucher WHERE id = ANY(%(vouchers)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""


def lock_vouchers(voucher_ids: Collection[int]) -> None:
    """Take the vouchers of several orders in key order, before each order counts its own."""
    if voucher_ids:
        ask(_LOCK_VOUCHERS, {"vouchers": list(voucher_ids)})


_ORDERED: Final = """
UPDATE checkout_quote SET state = %(ordered)s WHERE id = ANY(%(quotes)s::uuid[])
"""


def note_ordered(quote_ids: Collection[uuid.UUID]) -> None:
    """Move quotes that the caller has the locks of to "ordered"."""
    ask(_ORDERED, {"quotes": list(quote_ids), "ordered": Quote.State.ORDERED.value})


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
    return _sku_from(rows)


def _sku_from(rows: Iterable[Sequence[Any]]) -> Sku | None:
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


_MADE: Final = """
INSERT INTO checkout_cart (user_id, token, version, updated_at)
VALUES (%(user)s::bigint, %(token)s::uuid, 0, %(now)s) ON CONFLICT DO NOTHING RETURNING id
"""
# Begun when the cart is locked: they are what its last change left.
_LINES: Final = f"""
SELECT {columns(CartLine, "l")}, sku.currency
FROM checkout_cart c
JOIN checkout_cartline l ON l.cart_id = c.id JOIN catalog_sku sku ON sku.id = l.sku_id
WHERE {_OF}
"""  # noqa: S608  # columns of a model


def lock_full_cart(owner: CartOwner, *, now: datetime) -> tuple[Cart, list[tuple[CartLine, str]]]:
    """Take an owner's cart, a new one where there is none, with its lines and their currencies."""
    values = {"user": owner.user_id, "token": owner.token, "now": now}
    asked = [(_MADE, values), (_LOCK_CART, values), (_LINES, values)]
    _made, carts, rows = ask_each(asked)
    if not carts:
        # It was merged into a user's while we waited for it.
        _made, carts, rows = ask_each(asked)
    lines = zip(models(CartLine, rows), rows, strict=True)
    return models(Cart, carts)[0], [(line, row[-1]) for line, row in lines]


_PUT: Final = """
WITH line AS (
    INSERT INTO checkout_cartline
        (cart_id, sku_id, quantity, referral, seen_price_minor, added_at, hold_id)
    VALUES (%(cart)s::bigint, %(sku)s::bigint, %(quantity)s::int, %(referral)s::text,
        %(price)s::bigint, %(added)s::timestamptz, %(hold)s::uuid)
    ON CONFLICT ON CONSTRAINT checkout_line_once DO UPDATE SET quantity = EXCLUDED.quantity,
        referral = EXCLUDED.referral, seen_price_minor = EXCLUDED.seen_price_minor
    RETURNING id, quantity
), changed AS (
    UPDATE checkout_cart SET version = %(version)s::int, updated_at = %(now)s::timestamptz
    WHERE id = %(cart)s::bigint
)
SELECT line.id, line.quantity + (
    SELECT coalesce(sum(quantity), 0)::int FROM checkout_cartline
    WHERE cart_id = %(cart)s::bigint AND sku_id <> %(sku)s::bigint)
FROM line
"""


def put(line: CartLine, cart: Cart) -> int:
    """Write a line and its cart's version and time; returns the units that are in the cart."""
    [[(line.pk, units)]] = ask(
        _PUT,
        {
            "cart": cart.pk,
            "sku": line.sku_id,
            "quantity": line.quantity,
            "referral": line.referral,
            "price": line.seen_price_minor,
            "added": line.added_at,
            "hold": line.hold_id,
            "version": cart.version,
            "now": cart.updated_at,
        },
    )
    return int(units)


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
    [rows] = ask(_LEFT, _of_left(owner, sku_ids))
    left = dict.fromkeys(sku_ids, 0)
    for sku_id, units in rows:
        left[sku_id] += units
    return left


def _of_left(owner: CartOwner, sku_ids: Sequence[int]) -> dict[str, Any]:
    return {
        "skus": list(sku_ids),
        "held": HoldState.HELD.value,
        "open": Quote.State.OPEN.value,
        "offered": EntryState.OFFERED.value,
        "user": owner.user_id,
        "token": owner.token,
    }


def offered(owner: CartOwner, *, sku_id: int, now: datetime) -> tuple[Sku | None, int, Deal | None]:
    """Read a SKU as `sku_of`, the units that an owner can buy, and the lowest running deal."""
    skus, left, deals = ask_each(
        [
            (_SKU, {"sku": sku_id}),
            (_LEFT, _of_left(owner, [sku_id])),
            (DEALS, {"skus": [sku_id], "first": now, "last": now}),
        ]
    )
    lowest = models(Deal, deals[-1:])
    return _sku_from(skus), sum(units for _id, units in left), lowest[0] if lowest else None


# What is in a user's cart, which is found by the same statement.
_OWN_SKUS: Final = (
    "ARRAY(SELECT l.sku_id FROM checkout_cartline l"
    " JOIN checkout_cart c ON c.id = l.cart_id WHERE c.user_id = %(user)s::bigint)"
)
_OWN_LINES: Final = f"""
SELECT {columns(Cart, "c")}, {columns(CartLine, "l")}, {columns(Sku, "k")},
    {columns(Product, "p")}, {columns(Shop, "s")}
FROM checkout_cart c
LEFT JOIN checkout_cartline l ON l.cart_id = c.id
LEFT JOIN catalog_sku k ON k.id = l.sku_id
LEFT JOIN catalog_product p ON p.id = k.product_id
LEFT JOIN catalog_shop s ON s.id = p.shop_id
WHERE c.user_id = %(user)s::bigint ORDER BY l.added_at, l.id
"""  # noqa: S608  # columns of models
_OWN_LEFT: Final = _LEFT.replace("%(skus)s::bigint[]", _OWN_SKUS)
_OWN_DEALS: Final = DEALS.replace("%(skus)s::bigint[]", _OWN_SKUS)


def cart_of_user(
    *, user_id: int, now: datetime
) -> tuple[Cart | None, list[CartLine], dict[int, int], dict[int, Deal]]:
    """Read a user's cart, its lines with their SKUs, by SKU what is left, and the lowest deals."""
    owner = CartOwner(user_id=user_id)
    rows, left, deals = ask_each(
        [
            (_OWN_LINES, {"user": user_id}),
            (_OWN_LEFT, _of_left(owner, ())),
            (_OWN_DEALS, {"user": user_id, "first": now, "last": now}),
        ]
    )
    found, lines = joined(rows, Cart, CartLine, Sku, Product, Shop), []
    for _cart, line, sku, product, shop in found:
        if line is not None:
            line.sku, sku.product, product.shop = sku, product, shop
            lines.append(line)
    units: Counter[int] = Counter()
    for sku_id, some in left:
        units[sku_id] += some
    cart = found[0][0] if found else None
    return cart, lines, units, {deal.sku_id: deal for deal in models(Deal, deals)}
