"""Importing a product feed into a shop.

A file is read twice. The first pass reads it to its end and writes nothing, so that a file that
turns out to be broken, whatever the line, changes nothing. The second writes batches of products,
each in a transaction of its own. What is the same already is not written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop
from shops.facts.publishing import publish
from shops.feeds.applying import apply_batch
from shops.feeds.events import FeedImported
from shops.feeds.models import FeedError, FeedImport
from shops.feeds.parsing import FeedProduct, RowError, read_products
from shops.feeds.reading import FeedUnreadable, Readable, Row, read_rows

BATCH_ROWS: Final = 1000
MOST_ERRORS: Final = 200_000


@dataclass
class Outcome:
    """What an import did, or would do: products by what became of them, errors by line."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[RowError] = field(default_factory=list)
    import_id: int | None = None

    @property
    def taken(self) -> int:
        return self.created + self.updated + self.unchanged

    @property
    def products(self) -> int:
        return self.taken + self.rejected


class _Counted:
    """Passes rows on and counts them."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.count = 0
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _survey(shop: Shop, file: Readable) -> dict[str, tuple[int, int]]:
    """Read a whole file without writing; returns handles that come up again, with two lines.

    :raises FeedUnreadable: it is no feed, has no product, or far too many errors
    """
    seen: dict[str, int] = {}
    again: dict[str, tuple[int, int]] = {}
    errors = 0
    for product in read_products(read_rows(file), currency=shop.currency):
        errors += len(product.errors)
        if errors > MOST_ERRORS:
            raise FeedUnreadable(
                format_lazy(_("There are more than {most} errors."), most=MOST_ERRORS)
            )
        if product.handle in seen:
            again.setdefault(product.handle, (seen[product.handle], product.line))
        seen.setdefault(product.handle, product.line)
    if not seen:
        raise FeedUnreadable(_("There is no product in this file."))
    return again


def _batches(products: Iterator[FeedProduct]) -> Iterator[list[FeedProduct]]:
    """Cut a stream of products where about `BATCH_ROWS` variants and pictures are together."""
    batch: list[FeedProduct] = []
    size = 0
    for product in products:
        batch.append(product)
        size += 1 + max(len(product.skus), len(product.images))
        if size >= BATCH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _run(*, shop: Shop, file: Readable, now: datetime, dry_run: bool) -> Outcome:
    again = _survey(shop, file)
    outcome = Outcome()
    rows = _Counted(read_rows(file))
    for batch in _batches(read_products(rows, currency=shop.currency)):
        good = []
        for product in batch:
            if product.handle in again and product.handle:
                first, second = again[product.handle]
                reason = format_lazy(
                    _("rows of one product must follow one another; more are on line {line}"),
                    line=first if product.line != first else second,
                )
                product.errors.append(RowError(product.line, product.handle, "Handle", reason))
            if product.errors:
                outcome.rejected += 1
                outcome.errors += product.errors
            else:
                good.append(product)
        counts, errors = apply_batch(shop=shop, products=good, now=now, dry_run=dry_run)
        outcome.created += counts.created
        outcome.updated += counts.updated
        outcome.unchanged += counts.unchanged
        outcome.rejected += len(errors)
        outcome.errors += errors
    outcome.rows = rows.count
    outcome.errors.sort(key=lambda error: error.line)
    return outcome


def preview_feed(*, shop: Shop, file: Readable, now: datetime) -> Outcome:
    """Say what importing a file would do, and change nothing.

    :raises FeedUnreadable: the file as a whole can't be taken
    """
    return _run(shop=shop, file=file, now=now, dry_run=True)


def import_feed(*, shop: Shop, file: Readable, file_name: str, now: datetime) -> Outcome:
    """Import a Shopify product CSV; `file` is binary and can be read again from its start.

    A product with an error is rejected whole, the others are taken; products that the feed does
    not name stay as they are. What came of it is kept (`FeedImport`) with its errors by line.

    :raises FeedUnreadable: the file as a whole can't be taken; nothing was changed
    """
    outcome = _run(shop=shop, file=file, now=now, dry_run=False)
    outcome.import_id = _record(shop=shop, file_name=file_name, outcome=outcome, now=now)
    return outcome


@transaction.atomic
def _record(*, shop: Shop, file_name: str, outcome: Outcome, now: datetime) -> int:
    done = FeedImport.objects.create(
        shop=shop,
        file_name=file_name[-255:],
        started_at=now,
        products_created=outcome.created,
        products_updated=outcome.updated,
        products_unchanged=outcome.unchanged,
        products_rejected=outcome.rejected,
    )
    errors = iter(outcome.errors)
    while some := list(islice(errors, 1000)):
        FeedError.objects.bulk_create(
            FeedError(
                feed_import=done,
                line=error.line,
                handle=error.handle.replace("\0", ""),
                column=error.column,
                reason=str(error.reason)[:300],
            )
            for error in some
        )
    publish(FeedImported(import_id=done.pk, shop_id=shop.pk))
    return done.pk
