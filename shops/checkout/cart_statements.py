"""The SQL of carts: those of any number of owners are read, locked and written in a trip each."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

from shops.catalog.models import Product, Shop, Sku
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.facts.rows import ask, ask_each, columns, joined, models
from shops.pricing.models import Deal
from shops.pricing.statements import DEALS
from shops.stock.models import EntryState, HoldState, ReservationPolicy

# --- One owner's ------------------------------------------------------------------------------

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


_CHANGED: Final = """
UPDATE checkout_cart SET version = %(version)s, updated_at = %(now)s WHERE id = %(cart)s;
SELECT coalesce(sum(quantity), 0)::int FROM checkout_cartline WHERE cart_id = %(cart)s
"""


def note_change(cart: Cart) -> int:
    """Write a cart's version and time; returns the units that are in it."""
    _none, [(units,)] = ask(
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


# --- SKUs, and what is left of them -----------------------------------------------------------

_SKUS: Final = f"""
SELECT {columns(Sku, "sku")}, {columns(Product, "product")}, {columns(Shop, "shop")},
    {columns(ReservationPolicy, "policy")}, coalesce(stock.on_hand - stock.reserved, 0)
FROM catalog_sku sku
JOIN catalog_product product ON product.id = sku.product_id
JOIN catalog_shop shop ON shop.id = product.shop_id
LEFT JOIN stock_reservationpolicy policy ON policy.product_id = product.id
LEFT JOIN stock_stock stock ON stock.sku_id = sku.id
WHERE sku.id = ANY(%(skus)s::bigint[])
"""  # noqa: S608  # columns of models


def sku_of(sku_id: int) -> Sku | None:
    """Read a SKU with its product, its shop and its policy."""
    [rows] = ask(_SKUS, {"skus": _array([sku_id])})
    return _skus_from(rows).get(sku_id)


_MODE: Final = """
SELECT policy.mode FROM catalog_sku sku
JOIN stock_reservationpolicy policy ON policy.product_id = sku.product_id
WHERE sku.id = %(sku)s
"""


def mode_of(sku_id: int) -> str | None:
    """Read by which policy a SKU's units are kept; None where none was chosen."""
    [rows] = ask(_MODE, {"sku": sku_id})
    return rows[0][0] if rows else None


def _skus_from(rows: Iterable[Sequence[Any]]) -> dict[int, Sku]:
    found: dict[int, Sku] = {}
    for sku, product, shop, policy in joined(rows, Sku, Product, Shop, ReservationPolicy):
        Product.reservation_policy.related.set_cached_value(product, policy)
        product.shop = shop
        sku.product = product
        found[sku.pk] = sku
    return found


# What nobody keeps, and what is kept for owners: by their carts, their quotes, or the waitlist. A
# state that is not a parameter is found by the index of open quotes, by a plan made once, too.
_LEFT: Final = """
SELECT NULL::bigint, NULL::uuid, sku_id, on_hand - reserved FROM stock_stock
WHERE sku_id = ANY(%(skus)s::bigint[])
UNION ALL
SELECT mine.user_id, mine.token, hold.sku_id, hold.quantity FROM (
    SELECT c.user_id, c.token, l.hold_id
    FROM checkout_cartline l JOIN checkout_cart c ON c.id = l.cart_id
    WHERE c.user_id = ANY(%(users)s::bigint[]) OR c.token = ANY(%(tokens)s::uuid[])
    UNION
    SELECT q.buyer_id, NULL, l.hold_id
    FROM checkout_quoteline l JOIN checkout_quote q ON q.id = l.quote_id
    WHERE q.buyer_id = ANY(%(users)s::bigint[]) AND q.state = 'open'
    UNION
    SELECT user_id, NULL, hold_id FROM stock_waitlistentry
    WHERE user_id = ANY(%(users)s::bigint[]) AND state = %(offered)s
) AS mine (user_id, token, hold_id) JOIN stock_hold hold ON hold.id = mine.hold_id
WHERE hold.state = %(held)s AND hold.sku_id = ANY(%(skus)s::bigint[])
"""
_OF_LEFT: Final = {"held": HoldState.HELD.value, "offered": EntryState.OFFERED.value}


def units_left(
    owners: Collection[CartOwner], *, sku_ids: Collection[int]
) -> dict[str, dict[int, int]]:
    """Count by owner (their room) and SKU what they can buy; one without stock has 0."""
    [rows] = ask(_LEFT, {**_of(owners), **_OF_LEFT, "skus": _array(sku_ids)})
    free = dict.fromkeys(sku_ids, 0)
    kept = []
    for user_id, token, sku_id, units in rows:
        if user_id is None and token is None:
            free[sku_id] += units
        else:
            kept.append((CartOwner(user_id, token).room, sku_id, units))
    found = {owner.room: free.copy() for owner in owners}
    for room, sku_id, units in kept:
        found[room][sku_id] += units
    return found


# --- What a user's cart shows -----------------------------------------------------------------

# What is in it is found by the same statements.
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
    own = {"user": user_id}
    rows, left, deals = ask_each(
        [
            (_OWN_LINES, own),
            (_OWN_LEFT, {**own, **_of([CartOwner(user_id)]), **_OF_LEFT}),
            (_OWN_DEALS, {**own, "first": now, "last": now}),
        ]
    )
    found, lines = joined(rows, Cart, CartLine, Sku, Product, Shop), []
    for _cart, line, sku, product, shop in found:
        if line is not None:
            line.sku, sku.product, product.shop = sku, product, shop
            lines.append(line)
    units: Counter[int] = Counter()
    for *_owner, sku_id, some in left:
        units[sku_id] += some
    cart = found[0][0] if found else None
    return cart, lines, units, {deal.sku_id: deal for deal in models(Deal, deals)}


# --- Many owners' -----------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of a cart as it is, or as it is to be written: then one that is new has no key."""

    pk: int | None
    sku_id: int
    product_id: int
    currency: str
    quantity: int
    referral: str
    seen_price_minor: int
    added_at: datetime
    hold_id: uuid.UUID | None


@dataclass
class OpenCart:
    """An owner's cart under its lock, its lines by SKU; one that is to be made has no key."""

    owner: CartOwner
    pk: int | None = None
    version: int = 0
    updated_at: datetime | None = None
    lines: dict[int, Line] = field(default_factory=dict)
    # The SKUs whose lines are to be written.
    changed: set[int] = field(default_factory=set)

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines.values())


@dataclass(frozen=True)
class Shelf:
    """SKUs with their products, shops and policies, what nobody keeps of them, and their deals."""

    skus: Mapping[int, Sku]
    free: Mapping[int, int]
    # The lowest last.
    deals: Sequence[Deal]


_OF_EACH: Final = "(user_id = ANY(%(users)s::bigint[]) OR token = ANY(%(tokens)s::uuid[]))"
# In the order of ids, so that two who lock many never wait for each other in a ring.
_LOCK: Final = f"""
SELECT id, user_id, token, version FROM checkout_cart WHERE {_OF_EACH} ORDER BY id FOR UPDATE
"""  # noqa: S608  # nobody's input
# Begun when the carts are locked: they are what the last changes left.
_LINES: Final = f"""
SELECT l.cart_id, l.id, l.sku_id, k.product_id, k.currency, l.quantity, l.referral,
    l.seen_price_minor, l.added_at, l.hold_id
FROM checkout_cart c
JOIN checkout_cartline l ON l.cart_id = c.id JOIN catalog_sku k ON k.id = l.sku_id
WHERE {_OF_EACH}
"""  # noqa: S608  # nobody's input


def lock(
    owners: Collection[CartOwner], *, sku_ids: Collection[int], first: datetime, last: datetime
) -> tuple[dict[str, OpenCart], Shelf]:
    """Take the carts of owners, by their room, and read what is to be put into them.

    A cart that there is not yet is not made.

    :param first: with `last`, the time for which deals are read
    """
    own, skus = _of(owners), {"skus": _array(sku_ids)}
    carts, lines, goods, deals = ask_each(
        [
            (_LOCK, own),
            (_LINES, own),
            (_SKUS, skus),
            (DEALS, {**skus, "first": first, "last": last}),
        ]
    )
    found = {owner.room: OpenCart(owner) for owner in owners}
    by_id = {}
    for pk, user_id, token, version in carts:
        cart = by_id[pk] = found[CartOwner(user_id, token).room]
        cart.pk, cart.version = pk, version
    for cart_id, *line in lines:
        # One that was made since has no part in it: making it anew tells.
        if cart_id in by_id:
            by_id[cart_id].lines[line[1]] = Line(*line)
    free = {row[0]: row[-1] for row in goods}
    return found, Shelf(_skus_from(goods), free, models(Deal, deals))


# Of one that somebody else has made meanwhile nothing is returned.
_MAKE: Final = """
INSERT INTO checkout_cart (user_id, token, version, updated_at)
SELECT user_id, token, version, updated_at FROM jsonb_to_recordset(%(made)s::jsonb)
    AS one (user_id bigint, token uuid, version int, updated_at timestamptz)
ORDER BY user_id, token
ON CONFLICT DO NOTHING RETURNING id, user_id, token
"""
# What keeps a line's units is noted by others.
_PUT: Final = """
WITH changed AS (
    UPDATE checkout_cart c SET version = one.version, updated_at = one.updated_at
    FROM jsonb_to_recordset(%(carts)s::jsonb)
        AS one (id bigint, version int, updated_at timestamptz)
    WHERE c.id = one.id
)
INSERT INTO checkout_cartline (cart_id, sku_id, quantity, referral, seen_price_minor, added_at)
SELECT c.id, one.sku_id, one.quantity, one.referral, one.seen_price_minor, one.added_at
FROM jsonb_to_recordset(%(lines)s::jsonb) AS one (user_id bigint, token uuid, sku_id bigint,
    quantity int, referral text, seen_price_minor bigint, added_at timestamptz)
JOIN checkout_cart c ON c.user_id = one.user_id OR c.token = one.token
ON CONFLICT ON CONSTRAINT checkout_line_once DO UPDATE SET quantity = excluded.quantity,
    referral = excluded.referral, seen_price_minor = excluded.seen_price_minor
RETURNING id, cart_id, sku_id
"""


def writing(carts: Iterable[OpenCart]) -> list[tuple[str, Mapping[str, Any]]]:
    """Make what writes changed carts: those that are new, their lines, versions and times."""
    made, kept, lines = [], [], []
    for cart in carts:
        owner = {"user_id": cart.owner.user_id, "token": cart.owner.token}
        state = {"version": cart.version, "updated_at": cart.updated_at}
        if cart.pk is None:
            made.append({**owner, **state})
        else:
            kept.append({"id": cart.pk, **state})
        for sku_id in cart.changed:
            line = cart.lines[sku_id]
            lines.append(
                {
                    **owner,
                    "sku_id": sku_id,
                    "quantity": line.quantity,
                    "referral": line.referral,
                    "seen_price_minor": line.seen_price_minor,
                    "added_at": line.added_at,
                }
            )
    put = (_PUT, {"carts": _json(kept), "lines": _json(lines)})
    return [(_MAKE, {"made": _json(made)}), put] if made else [put]


def note_written(carts: Iterable[OpenCart], *rows: Iterable[Any]) -> bool:
    """Note the keys of what `writing` has written; False when a cart was made by somebody else.

    :param rows: what it returned
    """
    *made, lines = rows
    by_room = {cart.owner.room: cart for cart in carts}
    for pk, user_id, token in chain(*made):
        by_room[CartOwner(user_id, token).room].pk = pk
    if any(cart.pk is None for cart in by_room.values()):
        return False
    by_id = {cart.pk: cart for cart in by_room.values()}
    for pk, cart_id, sku_id in lines:
        cart = by_id[cart_id]
        cart.lines[sku_id] = cart.lines[sku_id]._replace(pk=pk)
    return True


def _of(owners: Iterable[CartOwner]) -> dict[str, str]:
    owners = list(owners)
    return {
        "users": _array(one.user_id for one in owners if one.user_id is not None),
        "tokens": _array(one.token for one in owners if one.user_id is None and one.token),
    }


def _array(members: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it: psycopg takes several times as long for a list."""
    return "{" + ",".join(map(str, members)) + "}"


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
