"""Posting to the books: the only way in."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from shops.ledger.models import Account, Entry, Journal, Kind, Side

_AccountKey = tuple[str, str, str]


class Unbalanced(ValueError):
    """Lines that are no journal: a sum that is not zero, an amount that is not above zero."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry to be posted; `owner` is opaque text, "" for the platform."""

    kind: Kind
    side: Side
    amount_minor: int
    currency: str
    owner: str = ""

    @property
    def account(self) -> _AccountKey:
        return (self.kind, self.owner, self.currency)


@transaction.atomic
def post(
    *, source: str, key: str, lines: Sequence[Line], description: str, now: datetime
) -> Journal | None:
    """Write one money event into the books; None when this source and key were posted before.

    :raises Unbalanced: fewer than two lines, an amount ≤ 0, or a currency that does not sum to
        zero. (The database checks the same at commit, whoever writes.)
    """
    _check(lines)
    with connection.cursor() as cursor:
        # A second poster of the same event waits here until the first one's transaction ends.
        cursor.execute(
            "INSERT INTO ledger_journal (source, key, description, posted_at)"
            " VALUES (%s, %s, %s, %s)"
            " ON CONFLICT ON CONSTRAINT ledger_journal_once DO NOTHING RETURNING id",
            [source, key, description, now],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    accounts = _accounts(line.account for line in lines)
    Entry.objects.bulk_create(
        Entry(
            journal_id=row[0],
            account=accounts[line.account],
            side=line.side,
            amount_minor=line.amount_minor,
        )
        for line in lines
    )
    return Journal.objects.get(pk=row[0])


def _check(lines: Sequence[Line]) -> None:
    if len(lines) < 2:
        raise Unbalanced("a journal has at least two lines")
    sums: Counter[str] = Counter()
    for line in lines:
        if line.amount_minor <= 0:
            raise Unbalanced(f"an amount is above zero, not {line.amount_minor}")
        sums[line.currency] += line.amount_minor if line.side == Side.DEBIT else -line.amount_minor
    uneven = {currency: left for currency, left in sums.items() if left}
    if uneven:
        raise Unbalanced(f"debits and credits differ: {uneven}")


def _accounts(wanted: Iterable[_AccountKey]) -> dict[_AccountKey, Account]:
    """Find the accounts, opening what is missing; no row is locked, all sales share a few."""
    keys = sorted(set(wanted))
    found = _find(keys)
    missing = [key for key in keys if key not in found]
    if missing:
        Account.objects.bulk_create(
            (
                Account(kind=kind, owner=owner, currency=currency)
                for kind, owner, currency in missing
            ),
            ignore_conflicts=True,
        )
        found |= _find(missing)
    return found


def _find(keys: Sequence[_AccountKey]) -> dict[_AccountKey, Account]:
    rows = Account.objects.filter(
        kind__in={key[0] for key in keys},
        owner__in={key[1] for key in keys},
        currency__in={key[2] for key in keys},
    )
    return {(row.kind, row.owner, row.currency): row for row in rows}
