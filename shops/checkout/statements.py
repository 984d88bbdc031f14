"""The SQL of the checkout room: what every order does, in one round trip each."""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.facts.rows import ask, ask_each, columns, models
from shops.stock.models import EntryState

# The first statement waits for the carts' locks; the others begin under them and see their lines as
# they are. What kept the ordered units of a line is the order's now.
_CARTS: Final = """
SELECT id FROM checkout_cart WHERE user_id = ANY(%(users)s::bigint[]) ORDER BY id FOR UPDATE
"""
_TAKE_OUT: Final = """
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
WHERE user_id = ANY(%(users)s::bigint[])
"""
_LEFT: Final = """
SELECT cart.user_id, cart.version, coalesce(sum(line.quantity), 0)::int
FROM checkout_cart cart LEFT JOIN checkout_cartline line ON line.cart_id = cart.id
WHERE cart.user_id = ANY(%(users)s::bigint[]) GROUP BY cart.id ORDER BY cart.id
"""


def taking_out(
    ordered: Mapping[int, Mapping[int, int]], *, now: datetime
) -> list[tuple[str, Mapping[str, Any]]]:
    """Say what takes ordered units (SKU id → units, by user) out of users' carts.

    The rows of the last one: user, version, units that are left of each cart; who has none is not
    among them.
    """
    taken = [
        {"user_id": user_id, "sku_id": sku_id, "units": units}
        for user_id, own in ordered.items()
        for sku_id, units in own.items()
    ]
    users = "{" + ",".join(map(str, ordered)) + "}"
    values = {"users": users, "taken": json.dumps(taken), "now": now}
    return [(one, values) for one in (_CARTS, _TAKE_OUT, _LEFT)]


@dataclass(frozen=True)
class Promise:
    """A quote with all its parts."""

    quote: Quote
    lines: list[QuoteLine]
    shipments: list[QuoteShipment]
    vouchers: list[QuoteVoucher]


# The first statement waits for the quotes' locks: a second order of one finds it ordered.
_LOCK_QUOTES: Final = (
    f"""
SELECT {columns(Quote, "q")} FROM checkout_quote q
WHERE q.id = ANY(%(quotes)s::uuid[]) ORDER BY q.id FOR UPDATE
""",  # noqa: S608  # columns of models
    *(
        f"""
SELECT {columns(part, "p")} FROM {part._meta.db_table} p
WHERE p.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY p.id
"""  # noqa: S608  # columns of models
        for part in (QuoteLine, QuoteShipment, QuoteVoucher)
    ),
)


def lock_quotes(
    quote_ids: Collection[uuid.UUID], *, before: Sequence[tuple[str, Mapping[str, Any]]] = ()
) -> tuple[dict[uuid.UUID, Promise], list[list[Any]]]:
    """Read quotes with all their parts, under their locks.

    :param before: sent ahead in the same trip; its rows are returned, too
    """
    values = {"quotes": "{" + ",".join(map(str, quote_ids)) + "}"}
    rows = ask_each([*before, *((one, values) for one in _LOCK_QUOTES)])
    quotes, lines, shipments, vouchers = rows[len(before) :]
    found = {quote.pk: Promise(quote, [], [], []) for quote in models(Quote, quotes)}
    for line in models(QuoteLine, lines):
        found[line.quote_id].lines.append(line)
    for shipment in models(QuoteShipment, shipments):
        found[shipment.quote_id].shipments.append(shipment)
    for voucher in models(QuoteVoucher, vouchers):
        found[voucher.quote_id].vouchers.append(voucher)
    return found, rows[: len(before)]


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


def noting_ordered(quote_ids: Iterable[uuid.UUID]) -> tuple[str, Mapping[str, Any]]:
    """Say what moves quotes that the caller has the locks of to "ordered"."""
    quotes = "{" + ",".join(map(str, quote_ids)) + "}"
    return _ORDERED, {"quotes": quotes, "ordered": Quote.State.ORDERED.value}


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
