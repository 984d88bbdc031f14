"""Reads of the books. A balance is debits less credits, in the currency's minor units."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, F, Prefetch, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from shops.ledger.models import Account, Entry, Journal, Side

_SIGNED = Case(
    When(entries__side=Side.DEBIT, then=F("entries__amount_minor")),
    When(entries__side=Side.CREDIT, then=-F("entries__amount_minor")),
)


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
    found = Account.objects.filter(pk=account.pk).aggregate(sum=Sum(_SIGNED))
    return int(found["sum"] or 0)


def balance_of(*, kind: str, owner: str = "", currency: str) -> int:
    """Sum the account of a kind, owner and currency; 0 when nothing was ever posted to it."""
    found = Account.objects.filter(kind=kind, owner=owner, currency=currency).aggregate(
        sum=Sum(_SIGNED)
    )
    return int(found["sum"] or 0)


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
