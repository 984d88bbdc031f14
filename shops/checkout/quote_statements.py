"""The SQL of quotes: what those of many buyers are made of, and all of them, in a trip each."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from shops.catalog.models import Product, Shop, Sku
from shops.checkout.models import (
    Cart,
    CartLine,
    Quote,
    QuoteLine,
    QuoteShipment,
    QuoteVoucher,
)
from shops.facts.rows import ask, ask_each, columns, inserting, models, written
from shops.stock.models import EntryState, HoldState, ReservationPolicy


@dataclass
class Basket:
    """What a buyer's quote is made of, and the open one there is."""

    cart: Cart | None = None
    lines: list[CartLine] = field(default_factory=list)
    open_quote: Quote | None = None
    # Whether all that the open quote promises is still kept, by the database's clock.
    is_kept: bool = False
    # Of the address that checkout offers first; "" for who has none.
    country: str = ""
    # By SKU, the holds of what the waitlist offers them.
    offers: dict[int, uuid.UUID] = field(default_factory=dict)


# The cart is read before its lines: what changes in between makes the next quote a new one.
_CARTS: Final = f"""
SELECT {columns(Cart, "c")} FROM checkout_cart c WHERE c.user_id = ANY(%(users)s::bigint[])
"""  # noqa: S608  # columns of a model
# What nobody holds is promised at its price alone, until the quote's time is over. A state that is
# not a parameter is found by the index of open quotes, by a plan that is made once, too.
_OPEN_QUOTES: Final = f"""
SELECT {columns(Quote, "q")},
    CASE WHEN EXISTS (SELECT 1 FROM checkout_quoteline l WHERE l.quote_id = q.id AND l.is_held)
    THEN NOT EXISTS (
        SELECT 1 FROM checkout_quoteline l WHERE l.quote_id = q.id AND l.is_held AND NOT EXISTS (
            SELECT 1 FROM stock_hold h
            WHERE h.id = l.hold_id AND h.state = %(held)s AND h.expires_at > statement_timestamp()))
    ELSE q.expires_at > statement_timestamp() END
FROM checkout_quote q WHERE q.buyer_id = ANY(%(users)s::bigint[]) AND q.state = 'open'
"""  # noqa: S608  # columns of a model
_LINES: Final = f"""
SELECT {columns(CartLine, "l")}, c.user_id
FROM checkout_cart c JOIN checkout_cartline l ON l.cart_id = c.id
WHERE c.user_id = ANY(%(users)s::bigint[]) ORDER BY l.added_at, l.id
"""  # noqa: S608  # columns of a model
_COUNTRIES: Final = """
SELECT DISTINCT ON (user_id) user_id, country FROM accounts_address
WHERE user_id = ANY(%(users)s::bigint[]) ORDER BY user_id, is_default DESC, id DESC
"""
_OFFERS: Final = """
SELECT user_id, sku_id, hold_id FROM stock_waitlistentry
WHERE user_id = ANY(%(users)s::bigint[]) AND state = %(offered)s AND hold_id IS NOT NULL
"""


def baskets(*, user_ids: Collection[int]) -> dict[int, Basket]:
    """Read by user what their quotes are made of; the lines' SKUs are read by `skus`."""
    values = {
        "users": _array(user_ids),
        "held": HoldState.HELD.value,
        "offered": EntryState.OFFERED.value,
    }
    carts, quotes, lines, countries, offers = ask_each(
        [(sql, values) for sql in (_CARTS, _OPEN_QUOTES, _LINES, _COUNTRIES, _OFFERS)]
    )
    found = {user_id: Basket() for user_id in user_ids}
    for cart in models(Cart, carts):
        found[cart.user_id or 0].cart = cart
    for quote, row in zip(models(Quote, quotes), quotes, strict=True):
        found[quote.buyer_id].open_quote = quote
        found[quote.buyer_id].is_kept = row[-1]
    for line, row in zip(models(CartLine, lines), lines, strict=True):
        found[row[-1]].lines.append(line)
    for user_id, country in countries:
        found[user_id].country = country
    for user_id, sku_id, hold_id in offers:
        found[user_id].offers[sku_id] = hold_id
    return found


# Statements of their own: what many SKUs have in common is read once, and made a model of once.
_SKUS: Final = f"""
SELECT {columns(Sku, "k")} FROM catalog_sku k WHERE k.id = ANY(%(skus)s::bigint[])
"""  # noqa: S608  # columns of a model
_PRODUCTS: Final = f"""
SELECT {columns(Product, "p")} FROM catalog_product p
WHERE p.id IN (SELECT product_id FROM catalog_sku WHERE id = ANY(%(skus)s::bigint[]))
"""  # noqa: S608  # columns of a model
_SHOPS: Final = f"""
SELECT {columns(Shop, "s")} FROM catalog_shop s
WHERE s.id IN (
    SELECT p.shop_id FROM catalog_product p JOIN catalog_sku k ON k.product_id = p.id
    WHERE k.id = ANY(%(skus)s::bigint[]))
"""  # noqa: S608  # columns of a model
_POLICIES: Final = f"""
SELECT {columns(ReservationPolicy, "r")} FROM stock_reservationpolicy r
WHERE r.product_id IN (SELECT product_id FROM catalog_sku WHERE id = ANY(%(skus)s::bigint[]))
"""  # noqa: S608  # columns of a model


def skus(*, sku_ids: Collection[int]) -> dict[int, Sku]:
    """Read SKUs with their products, shops and policies."""
    if not sku_ids:
        return {}
    values = {"skus": _array(sku_ids)}
    rows, products, shops, policies = ask_each(
        [(sql, values) for sql in (_SKUS, _PRODUCTS, _SHOPS, _POLICIES)]
    )
    of_product = {one.product_id: one for one in models(ReservationPolicy, policies)}
    shop_by_id = {one.pk: one for one in models(Shop, shops)}
    product_by_id = {one.pk: one for one in models(Product, products)}
    for pk, product in product_by_id.items():
        Product.reservation_policy.related.set_cached_value(product, of_product.get(pk))
        product.shop = shop_by_id[product.shop_id]
    found = {one.pk: one for one in models(Sku, rows)}
    for sku in found.values():
        sku.product = product_by_id[sku.product_id]
    return found


_CHOICES: Final = """
SELECT quote_id, shop_id, method_id FROM checkout_quoteshipment
WHERE quote_id = ANY(%(quotes)s::uuid[]) ORDER BY id;

SELECT quote_id, code FROM checkout_quotevoucher WHERE quote_id = ANY(%(quotes)s::uuid[])
ORDER BY id
"""


def choices(
    *, quote_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[dict[int, int | None], list[str]]]:
    """Read by quote what was chosen in it: by shop the way to send, and vouchers' codes."""
    found: dict[uuid.UUID, tuple[dict[int, int | None], list[str]]] = {
        quote_id: ({}, []) for quote_id in quote_ids
    }
    if not found:
        return found
    shipments, vouchers = ask(_CHOICES, {"quotes": _array(found)})
    for quote_id, shop_id, method_id in shipments:
        found[quote_id][0][shop_id] = method_id
    for quote_id, code in vouchers:
        found[quote_id][1].append(code)
    return found


# Those that are open are taken in the order of their ids; one that was ordered meanwhile stays.
_CLOSE: Final = """
WITH mine AS (
    SELECT id FROM checkout_quote WHERE id = ANY(%(quotes)s::uuid[]) AND state = %(open)s
    ORDER BY id FOR UPDATE
)
UPDATE checkout_quote q SET state = %(closed)s FROM mine WHERE q.id = mine.id RETURNING q.id
"""
_OWN_HOLDS: Final = """
SELECT hold_id FROM checkout_quoteline
WHERE quote_id = ANY(%(quotes)s::uuid[]) AND is_held AND NOT is_shared
"""


def close(*, quote_ids: Collection[uuid.UUID]) -> tuple[set[uuid.UUID], list[uuid.UUID]]:
    """Compare-and-set open quotes to closed; returns them and the holds that are theirs alone."""
    [rows] = ask(
        _CLOSE,
        {
            "quotes": _array(quote_ids),
            "open": Quote.State.OPEN.value,
            "closed": Quote.State.CLOSED.value,
        },
    )
    closed = {quote_id for (quote_id,) in rows}
    if not closed:
        return closed, []
    [holds] = ask(_OWN_HOLDS, {"quotes": _array(closed)})
    return closed, [hold_id for (hold_id,) in holds]


@dataclass(frozen=True)
class Draft:
    """A quote with all its parts, to be written."""

    quote: Quote
    lines: Sequence[QuoteLine]
    shipments: Sequence[QuoteShipment]
    vouchers: Sequence[QuoteVoucher]


@cache
def _write() -> str:
    made = "one.quote_id IN (SELECT id FROM made) ORDER BY one.ordinality"
    return f"""
    WITH made AS (
        {inserting(Quote, "quotes")}
        ON CONFLICT (buyer_id) WHERE state = 'open' DO NOTHING RETURNING id
    ), lines AS ({inserting(QuoteLine, "lines")} WHERE {made}
    ), shipments AS ({inserting(QuoteShipment, "shipments")} WHERE {made}
    ), vouchers AS ({inserting(QuoteVoucher, "vouchers")} WHERE {made}
    )
    SELECT id FROM made
    """  # noqa: S608  # names of models


def write(drafts: Iterable[Draft]) -> set[uuid.UUID]:
    """Write quotes with all their parts; returns those whose buyers had no open one.

    In the order of the buyers: two who write the same buyers' never wait for each other in a ring.
    """
    ordered = sorted(drafts, key=lambda draft: draft.quote.buyer_id)
    [rows] = ask(
        _write(),
        {
            "quotes": written(Quote, [draft.quote for draft in ordered]),
            "lines": written(QuoteLine, [one for draft in ordered for one in draft.lines]),
            "shipments": written(
                QuoteShipment, [one for draft in ordered for one in draft.shipments]
            ),
            "vouchers": written(QuoteVoucher, [one for draft in ordered for one in draft.vouchers]),
        },
    )
    return {quote_id for (quote_id,) in rows}


def _array(members: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it: psycopg takes several times as long for a list."""
    return "{" + ",".join(map(str, members)) + "}"
