"""The books of a SKU: what there is, and the same once more, recomputed from the movements."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from shops.catalog.models import Shop, Sku
from shops.stock.models import Kind, StockMovement
from shops.stock.services import CAN_BE_UNDONE

MOST_CSV_ROWS: Final = 50_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Figures:
    on_hand: int
    held: int
    committed: int

    @property
    def available(self) -> int:
        return self.on_hand - self.held - self.committed


@dataclass(frozen=True)
class Book:
    """`stock` as it is kept, `recomputed` from the movements; they must be the same."""

    stock: Figures
    reserved: int
    recomputed: Figures

    @property
    def is_right(self) -> bool:
        return (
            self.stock == self.recomputed
            and self.reserved == self.stock.held + self.stock.committed
        )


# One statement, so one snapshot: sales go on while it is read.
_BOOKS = """
SELECT s.sku_id, s.on_hand, s.reserved, h.held, h.committed, m.on_hand, m.held, m.committed
FROM stock_stock s
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE state = 'held'), 0) AS held,
        coalesce(sum(quantity) FILTER (WHERE state = 'committed'), 0) AS committed
    FROM stock_hold WHERE sku_id = s.sku_id
) AS h
CROSS JOIN LATERAL (
    SELECT coalesce(sum(on_hand), 0) AS on_hand, coalesce(sum(held), 0) AS held,
        coalesce(sum(committed), 0) AS committed
    FROM stock_stockmovement WHERE sku_id = s.sku_id
) AS m
WHERE s.sku_id = ANY(%s::bigint[])
"""


def books(*, sku_ids: Iterable[int]) -> dict[int, Book]:
    """Read the books of SKUs by id, all at the same instant; one without stock has none."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, [list(sku_ids)])
        return {
            sku_id: Book(
                stock=Figures(on_hand, held, committed),
                reserved=reserved,
                recomputed=Figures(*recomputed),
            )
            for sku_id, on_hand, reserved, held, committed, *recomputed in cursor.fetchall()
        }


def skus_with_stock(*, shop: Shop, text: str = "") -> QuerySet[Sku]:
    """List a shop's SKUs that have stock, by product; with `text`, by title or code."""
    rows = Sku.objects.filter(product__shop=shop, stock__isnull=False).select_related("product")
    for word in text.split()[:8]:
        rows = rows.filter(Q(product__title__icontains=word) | Q(code__icontains=word))
    return rows.order_by("product__title", "product_id", "position", "id")


def movements(*, sku_id: int, kind: str = "", text: str = "") -> QuerySet[StockMovement]:
    """List a SKU's movements, newest first, each with `can_undo`.

    With `kind`, only of that one; with `text`, only those whose actor or reason has each word.
    """
    rows = StockMovement.objects.filter(sku_id=sku_id).select_related("actor")
    if kind in Kind.values:
        rows = rows.filter(kind=kind)
    for word in text.split()[:8]:
        rows = rows.filter(
            Q(reason__icontains=word)
            | Q(actor__display_name__icontains=word)
            | Q(actor__email__icontains=word)
        )
    undone = StockMovement.objects.filter(undoes_id=OuterRef("pk"))
    by_hand = Q(kind__in=CAN_BE_UNDONE)
    return rows.annotate(can_undo=by_hand & ~Exists(undone)).order_by("-id")


def movements_csv(rows: QuerySet[StockMovement]) -> Iterator[str]:
    """Write movements for machines, newest first, up to `MOST_CSV_ROWS`; instants are in UTC."""
    yield _line(
        [
            "id",
            "at",
            "kind",
            "quantity",
            "on_hand",
            "held",
            "committed",
            "hold",
            "actor",
            "reason",
            "undoes",
        ]
    )
    for row in rows[:MOST_CSV_ROWS].iterator(chunk_size=2000):
        yield _line(
            [
                row.pk,
                row.at.astimezone(UTC).isoformat(timespec="milliseconds"),
                row.kind,
                row.quantity,
                row.on_hand,
                row.held,
                row.committed,
                row.hold_id or "",
                _plain(row.actor.email) if row.actor else "",
                _plain(row.reason),
                row.undoes_id or "",
            ]
        )


def _plain(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: list[object]) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue()
