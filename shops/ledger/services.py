"""Posting to the books: the only way in."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from shops.facts.rows import ask, columns, models
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
    if not postings:
        return 0
    # In one order, so that two posters of the same events never wait for each other.
    by_key = {(one.source, one.key): one for one in sorted(postings, key=_place)}
    accounts = _accounts(line.account for one in by_key.values() for line in one.lines)
    journals = [
        {"source": one.source, "key": one.key, "description": one.description}
        for one in by_key.values()
    ]
    entries = [
        {
            "source": one.source,
            "key": one.key,
            "account_id": accounts[line.account].pk,
            "side": line.side.value,
            "amount_minor": line.amount_minor,
        }
        for one in by_key.values()
        for line in one.lines
    ]
    # A second poster of the same events waits here until the first one's transaction ends.
    [[(made,)]] = ask(
        _POST, {"journals": json.dumps(journals), "entries": json.dumps(entries), "now": now}
    )
    return int(made)


_POST: Final = """
WITH made AS (
    INSERT INTO ledger_journal (source, key, description, posted_at)
    SELECT source, key, description, %(now)s::timestamptz
    FROM ROWS FROM (jsonb_to_recordset(%(journals)s::jsonb)
        AS (source text, key text, description text)) WITH ORDINALITY AS one ORDER BY ordinality
    ON CONFLICT ON CONSTRAINT ledger_journal_once DO NOTHING RETURNING id, source, key
), written AS (
    INSERT INTO ledger_entry (journal_id, account_id, side, amount_minor)
    SELECT made.id, one.account_id, one.side, one.amount_minor
    FROM ROWS FROM (jsonb_to_recordset(%(entries)s::jsonb) AS (
        source text, key text, account_id bigint, side text, amount_minor bigint
    )) WITH ORDINALITY AS one
    JOIN made USING (source, key) ORDER BY ordinality
)
SELECT count(*) FROM made
"""


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
    kinds, owners, currencies = (list(set(part)) for part in zip(*keys, strict=True))
    [rows] = ask(_ACCOUNTS, {"kinds": kinds, "owners": owners, "currencies": currencies})
    return {(row.kind, row.owner, row.currency): row for row in models(Account, rows)}


_ACCOUNTS: Final = f"""
SELECT {columns(Account, "a")} FROM ledger_account a
WHERE a.kind = ANY(%(kinds)s::text[]) AND a.owner = ANY(%(owners)s::text[])
    AND a.currency = ANY(%(currencies)s::text[])
"""  # noqa: S608  # columns of a model
