"""Reads of the books. A balance is debits less credits, in the currency's minor units."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, F, Prefetch, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from shops.ledger.models import Account, Entry, Journal, Side


@dataclass(frozen=True)
class TrialRow:
    account: Account
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        return self.debit_minor - self.credit_minor


def balance(*, account: Account) -> int:
    """Sum an account: debits less credits."""
    return sum(_balances("account.id = %s", [account.pk]).values())


def balance_of(*, kind: str, owner: str = "", currency: str) -> int:
    """Sum the account of a kind, owner and currency; 0 when nothing was ever posted to it."""
    where = "account.kind = %s AND account.owner = %s AND account.currency = %s"
    return sum(_balances(where, [kind, owner, currency]).values())


def balances_of_owner(*, owner: str) -> dict[tuple[str, str], int]:
    """Sum all accounts of an owner, by kind and currency."""
    found = _balances("account.owner = %s", [owner])
    return {(kind, currency): sum for (kind, _, currency), sum in found.items()}


def balances_of_kind(*, kind: str) -> dict[tuple[str, str], int]:
    """Sum all accounts of a kind, by owner and currency."""
    found = _balances("account.kind = %s", [kind])
    return {(owner, currency): sum for (_, owner, currency), sum in found.items()}


def _balances(where: str, values: list[Any]) -> dict[tuple[str, str, str], int]:
    """Sum accounts, by kind, owner and currency: the newest checkpoint and what came after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT account.kind, account.owner, account.currency,
                coalesce(last.balance_minor, 0) + coalesce((
                    SELECT sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END)
                    FROM ledger_entry
                    WHERE account_id = account.id AND id > coalesce(last.entry_id, 0)
                ), 0)
            FROM ledger_account account
            LEFT JOIN LATERAL (
                SELECT entry_id, balance_minor FROM ledger_checkpoint
                WHERE account_id = account.id ORDER BY entry_id DESC LIMIT 1
            ) last ON true
            WHERE {where} ORDER BY 1, 2, 3
            """,  # noqa: S608  # `where` is ours
            values,
        )
        return {(row[0], row[1], row[2]): int(row[3]) for row in cursor.fetchall()}


def trial_balance() -> list[TrialRow]:
    """List every account with what was debited and credited; per currency both sums are equal."""
    rows = Account.objects.annotate(
        debit=_side_sum(Side.DEBIT), credit=_side_sum(Side.CREDIT)
    ).order_by("currency", "kind", "owner")
    return [
        TrialRow(account=row, debit_minor=int(row.debit), credit_minor=int(row.credit))
        for row in rows
    ]


def _side_sum(side: Side) -> Coalesce:
    return Coalesce(Sum(Case(When(entries__side=side, then=F("entries__amount_minor")))), Value(0))


def journals(*, source: str, keys: Iterable[str]) -> QuerySet[Journal]:
    """Find what a source posted under some keys, oldest first, with entries and accounts."""
    entries = Entry.objects.select_related("account").order_by("pk")
    return (
        Journal.objects.filter(source=source, key__in=list(keys))
        .prefetch_related(Prefetch("entries", queryset=entries))
        .order_by("posted_at", "pk")
    )
