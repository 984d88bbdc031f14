"""Statements: an owner's balance at the start of a month, each entry since, the balance at its end.

The same as a page, a table (CSV) and a PDF.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from django.db.models import Case, F, QuerySet, Sum, When
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shops.ledger.models import Entry, Side
from shops.ledger.money import Money
from shops.payouts.bank_file import plain_text
from shops.payouts.models import PostingKind
from shops.payouts.paying import SOURCE_FAILED, SOURCE_PAYOUT
from shops.payouts.terms import payable_kind

# A credit is what the owner gains.
_GAINED: Final = Case(
    When(side=Side.CREDIT, then=F("amount_minor")), When(side=Side.DEBIT, then=-F("amount_minor"))
)
_OF_SOURCES: Final[dict[str, str | Promise]] = {
    SOURCE_PAYOUT: gettext_lazy("Payout"),
    SOURCE_FAILED: gettext_lazy("Payout failed, back in the balance"),
}


@dataclass(frozen=True)
class Row:
    """One entry; `reference` is the order's number or what the bank calls the payout.

    `is_of_order` tells which; `link` is where the order is explained, on the statement's page.
    """

    at: datetime
    text: str
    reference: str
    amount_minor: int
    balance_minor: int
    is_of_order: bool = False
    link: str = ""


@dataclass(frozen=True)
class Statement:
    """closing = opening + the sum of the rows, in minor units of the currency."""

    owner: str
    name: str
    currency: str
    month: date
    opening_minor: int
    rows: Sequence[Row]

    @property
    def closing_minor(self) -> int:
        return self.rows[-1].balance_minor if self.rows else self.opening_minor

    @property
    def slug(self) -> str:
        return f"{self.month:%Y-%m}-{self.currency}"


def statement(*, owner: str, name: str, currency: str, month: date) -> Statement:
    """Draw up an owner's statement of a month (UTC), from the books alone."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    entries = _entries(owner).filter(account__currency=currency)
    before = entries.filter(journal__posted_at__lt=start).aggregate(sum=Sum(_GAINED))
    opening = balance = int(before["sum"] or 0)
    rows = []
    within = entries.filter(journal__posted_at__gte=start, journal__posted_at__lt=end)
    for entry in (
        within.select_related("journal__posting__settlement__order")
        .annotate(gained=_GAINED)
        .order_by("journal__posted_at", "pk")
    ):
        balance += entry.gained
        text, reference = _about(entry)
        is_of_order = hasattr(entry.journal, "posting")
        at = entry.journal.posted_at
        rows.append(Row(at, text, reference, entry.gained, balance, is_of_order))
    return Statement(owner, name, currency, start.date(), opening, rows)


def linked(statement: Statement, *, link: Callable[[str], str]) -> Statement:
    """Have a statement's rows lead to the pages that explain their orders' money."""
    rows = [
        replace(row, link=link(row.reference)) if row.is_of_order else row for row in statement.rows
    ]
    return replace(statement, rows=rows)


def months(*, owner: str) -> list[tuple[date, str]]:
    """List the months and currencies in which an owner's balance changed, the newest first."""
    found = (
        _entries(owner)
        .annotate(month=TruncMonth("journal__posted_at", tzinfo=UTC))
        .values_list("month", "account__currency")
        .distinct()
        .order_by("-month", "account__currency")
    )
    return [(month.date(), currency) for month, currency in found]


def _entries(owner: str) -> QuerySet[Entry]:
    return Entry.objects.filter(account__kind=payable_kind(owner), account__owner=owner)


def _about(entry: Entry) -> tuple[str, str]:
    """Say what an entry is about, and name the order or payout."""
    posting = getattr(entry.journal, "posting", None)
    if posting is not None:
        return str(PostingKind(posting.kind).label), posting.settlement.order.number
    text = _OF_SOURCES.get(entry.journal.source)
    if text is None:
        return entry.journal.description, ""
    return str(text), entry.journal.description.removeprefix("Payout ")


def as_csv(statement: Statement) -> str:
    """Write a statement for machines: ISO instants, plain amounts."""

    def plain(minor: int) -> str:
        return Money(minor, statement.currency).plain

    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["date", "text", "reference", "currency", "amount", "balance"])
    opening = plain(statement.opening_minor)
    table.writerow([statement.month.isoformat(), "opening", "", statement.currency, "", opening])
    for row in statement.rows:
        table.writerow(
            [
                row.at.astimezone(UTC).isoformat(timespec="seconds"),
                plain_text(row.text),
                plain_text(row.reference),
                statement.currency,
                plain(row.amount_minor),
                plain(row.balance_minor),
            ]
        )
    closing = plain(statement.closing_minor)
    table.writerow(["", "closing", "", statement.currency, "", closing])
    return out.getvalue()


def title(statement: Statement) -> str:
    return _("Statement of %(month)s") % {"month": date_format(statement.month, "F Y")}
