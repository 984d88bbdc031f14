"""What the pages of quotes are made of, read in one trip for any number of them.

Rows only: models are made of them by who shows one, in the words of who reads it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shops.accounts.queries import ADDRESSES_OF_USERS
from shops.catalog.models import Product, ProductImage, Shop, Sku
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.facts import frames
from shops.facts.rows import ask_each, columns
from shops.pricing.statements import ways_where
from shops.pricing.ways import Ways

# Each row tells last whose it is.
_LINES: Final = f"""
SELECT {columns(QuoteLine, "l")}, {columns(Sku, "k")}, {columns(Product, "p")},
    {columns(Shop, "s")}, {columns(ProductImage, "i")}, l.quote_id
FROM checkout_quoteline l
JOIN catalog_sku k ON k.id = l.sku_id
JOIN catalog_product p ON p.id = k.product_id
JOIN catalog_shop s ON s.id = p.shop_id
LEFT JOIN LATERAL (
    SELECT * FROM catalog_productimage WHERE product_id = p.id ORDER BY position, id LIMIT 1
) i ON true
WHERE l.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY l.id
"""  # noqa: S608  # columns of models
_SHIPMENTS: Final = f"""
SELECT {columns(QuoteShipment, "m")}, m.quote_id FROM checkout_quoteshipment m
WHERE m.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY m.shop_id
"""  # noqa: S608
_WAYS: Final = ways_where(
    "SELECT shop_id FROM checkout_quoteshipment WHERE quote_id = ANY(%(quotes)s::uuid[])"
)
_VOUCHERS: Final = f"""
SELECT {columns(QuoteVoucher, "v")}, v.quote_id FROM checkout_quotevoucher v
WHERE v.quote_id = ANY(%(quotes)s::uuid[]) ORDER BY v.id
"""  # noqa: S608

_Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class QuoteRows:
    """All rows of a quote, the addresses of its buyer, and what the frame of its page asks."""

    lines: _Rows
    shipments: _Rows
    vouchers: _Rows
    # Of all that were read together: several quotes of a shop share the work.
    ways: Ways
    addresses: _Rows
    frame: Sequence[Any] | None


def rows_of(quotes: Sequence[Quote], *, framed: bool) -> list[QuoteRows]:
    """Read the rows of quotes, in their order; `framed` with what the frames of pages ask."""
    buyers = _array({quote.buyer_id for quote in quotes})
    mine = {"quotes": _array(quote.pk for quote in quotes)}
    countries = list({quote.country for quote in quotes})
    lines, shipments, vouchers, ways, addresses, *framing = ask_each(
        [
            (_LINES, mine),
            (_SHIPMENTS, mine),
            (_VOUCHERS, mine),
            (_WAYS, {**mine, "countries": countries}),
            (ADDRESSES_OF_USERS, {"users": buyers}),
            *([frames.asked(users=buyers)] if framed else []),
        ]
    )
    lines_of, shipments_of, vouchers_of = map(_by_owner, (lines, shipments, vouchers))
    addresses_of, shared = _by_owner(addresses), Ways(ways)
    frames_of = {row[-1]: row for rows in framing for row in rows}
    return [
        QuoteRows(
            lines_of[quote.pk],
            shipments_of[quote.pk],
            vouchers_of[quote.pk],
            shared,
            addresses_of[quote.buyer_id],
            frames_of.get(quote.buyer_id),
        )
        for quote in quotes
    ]


def _by_owner(rows: _Rows) -> defaultdict[Any, list[Sequence[Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row[-1]].append(row)
    return found


def _array(members: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it."""
    return "{" + ",".join(map(str, members)) + "}"
