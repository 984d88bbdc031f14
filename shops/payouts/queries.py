"""Reads for those who are paid: what there is, what is held, what is coming, and what went out."""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Prefetch, QuerySet, Sum
from django.utils.module_loading import import_string

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.facts.refused import NotFound
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.orders.models import Order
from shops.payouts import planning
from shops.payouts.explaining import Stage, expected_minor, reason_of, stage_of
from shops.payouts.models import (
    Part,
    Payout,
    PayoutRun,
    Reserve,
    Settlement,
    SettlementState,
)
from shops.payouts.paying import minimum
from shops.payouts.terms import Parts, payable_kind, shop_of, shop_owner
from shops.returns.queries import open_for


@dataclass(frozen=True)
class Balance:
    """Where an owner's money is, in minor units of one currency."""

    currency: str
    available_minor: int
    reserve_minor: int
    coming_minor: int

    @property
    def minimum_minor(self) -> int:
        return minimum(self.currency)

    @property
    def is_enough(self) -> bool:
        return self.available_minor >= self.minimum_minor

    @property
    def is_negative(self) -> bool:
        return self.available_minor < 0


@dataclass(frozen=True)
class OrderRow:
    """An order as the list of an owner shows it."""

    row: Settlement
    stage: Stage
    reason: str
    yours_minor: int
    reserve: Reserve | None


def balances(*, owner: str) -> list[Balance]:
    """Sum up an owner's money per currency, from the books and the plans."""
    books = ledger.balances_of_owner(owner=owner)
    coming = _coming(owner)
    currencies = {currency for _kind, currency in books} | set(coming)
    kind = payable_kind(owner)
    return [
        Balance(
            currency=currency,
            available_minor=-books.get((kind, currency), 0),
            reserve_minor=-books.get((Kind.SELLER_RESERVE, currency), 0),
            coming_minor=coming[currency],
        )
        for currency in sorted(currencies)
    ]


def _coming(owner: str) -> Counter[str]:
    """Sum what an owner will get of orders that wait, less what went back to buyers already."""
    waiting = Settlement.objects.filter(parts__owner=owner, state=SettlementState.WAITING)
    coming = Counter[str](
        dict(
            Part.objects.filter(
                owner=owner,
                settlement__state=SettlementState.WAITING,
                settlement__order__refunded_minor=0,
            )
            .values_list("settlement__currency")
            .annotate(sum=Sum("amount_minor"))
        )
    )
    refunded = waiting.filter(order__refunded_minor__gt=0).select_related("order")
    for row in refunded.prefetch_related(_with_parts()):
        coming[row.currency] += expected_minor(row, _parts_of(row), owner)
    return coming


def _with_parts() -> "Prefetch[str]":
    return Prefetch("parts", Part.objects.order_by("pk"))


def _parts_of(row: Settlement) -> Parts:
    """Read the parts that were fetched together with a settlement, in their order."""
    return {(Kind(part.kind), part.owner): part.amount_minor for part in row.parts.all()}


def settlements_of(*, owner: str) -> QuerySet[Settlement]:
    """List the orders that an owner has a part of, the newest first."""
    return (
        Settlement.objects.filter(parts__owner=owner)
        .select_related("order__shop", "reserve")
        .prefetch_related(_with_parts(), "order__lines")
        .order_by("-order__placed_at", "-pk")
    )


def order_rows(rows: Sequence[Settlement], *, owner: str, now: datetime) -> list[OrderRow]:
    """Tell of each order how far its money has come, and what of it is the owner's."""
    is_open = open_for([row.order_id for row in rows])
    found = []
    for row in rows:
        stage = stage_of(row, now=now, is_open=row.order_id in is_open)
        found.append(
            OrderRow(
                row=row,
                stage=stage,
                reason=reason_of(stage),
                yours_minor=expected_minor(row, _parts_of(row), owner),
                reserve=getattr(row, "reserve", None),
            )
        )
    return found


def settlement_of(*, owner: str, number: str, now: datetime) -> Settlement:
    """Find an order's settlement for one of those who have a part of it.

    A shop that looks before the job has come by has it planned now.

    :raises NotFound: there is no such order, it is none of theirs, or it was not paid
    """
    mine = settlements_of(owner=owner).filter(order__number=number)
    row = mine.first()
    if row is None and (shop_id := shop_of(owner)) is not None:
        orders = Order.objects.filter(number=number, shop_id=shop_id)
        if planning.plan(orders.values_list("pk", flat=True), now=now):
            row = mine.first()
    if row is None:
        raise NotFound
    return row


def payouts_of(*, owner: str) -> list[Payout]:
    found = Payout.objects.filter(owner=owner).select_related("account")
    return list(found.order_by("-created_at")[:50])


def next_run_on(*, now: datetime) -> date | None:
    """Tell the next day on which payouts begin by themselves; None: never."""
    for days in range(1, 8):
        day = (now + timedelta(days=days)).date()
        if day.weekday() in settings.PAYOUT_WEEKDAYS:
            return day
    return None


def owner_of_user(user: User) -> str:
    """Name the user among those who earn commissions.

    :raises NotFound: the user is none of them
    """
    owner: str = import_string(settings.COMMISSION_PAYEE_OF_USER)(user)
    if not owner:
        raise NotFound
    return owner


def names_of(owners: Collection[str]) -> dict[str, str]:
    """Name owners for people; one that is gone keeps its name in the books."""
    shops = Shop.objects.filter(pk__in=[key for owner in owners if (key := shop_of(owner))])
    payees: dict[str, str] = import_string(settings.COMMISSION_PAYEE_NAMES)(owners)
    known = {shop_owner(key): name for key, name in shops.values_list("pk", "name")}
    return {owner: owner for owner in owners} | known | payees


def runs() -> QuerySet[PayoutRun]:
    """List the runs, the newest first, with how many payouts each has."""
    return (
        PayoutRun.objects.select_related("started_by")
        .annotate(payouts_count=Count("payouts"))
        .order_by("-started_at")
    )


def run(run_id: uuid.UUID) -> PayoutRun:
    found = runs().filter(pk=run_id).first()
    if found is None:
        raise NotFound
    return found


def payouts_in(run: PayoutRun) -> list[Payout]:
    found = Payout.objects.filter(run=run).select_related("account")
    return list(found.order_by("owner", "currency"))


def would_be_paid() -> list[tuple[str, str, int]]:
    """List who has enough to be paid now: owner, currency, amount."""
    return sorted(
        (owner, currency, -balance)
        for kind in (Kind.SELLER_PAYABLE, Kind.CREATOR_COMMISSION_PAYABLE)
        for (owner, currency), balance in ledger.balances_of_kind(kind=kind).items()
        if -balance >= minimum(currency)
    )
