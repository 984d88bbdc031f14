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


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A journal to be posted."""

    source: str
    key: str
    lines: Sequence[Line]
    description: str


@transaction.atomic
def post_all(postings: Sequence[Posting], *, now: datetime) -> int:
    """Write several money events into the books; those that were posted before are left alone.

    :raises Unbalanced: one of them is no journal; nothing is posted then
    """
    for one in postings:
        _check(one.lines)
    # In one order, so that two posters of the same events never wait for each other.
    by_key = {(one.source, one.key): one for one in sorted(postings, key=_place)}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_journal (source, key, description, posted_at)"
            " SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[])"
            " ON CONFLICT ON CONSTRAINT ledger_journal_once DO NOTHING RETURNING id, source, key",
            [
                now,
                [source for source, _key in by_key],
                [key for _source, key in by_key],
                [one.description for one in by_key.values()],
            ],
        )
        made = [(pk, by_key[source, key]) for pk, source, key in cursor.fetchall()]
    accounts = _accounts(line.account for _pk, one in made for line in one.lines)
    Entry.objects.bulk_create(
        Entry(
            journal_id=pk,
            account=accounts[line.account],
            side=line.side,
            amount_minor=line.amount_minor,
        )
        for pk, one in made
        for line in one.lines
    )
    return len(made)


def _place(one: Posting) -> tuple[str, str]:
    return one.source, one.key


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
