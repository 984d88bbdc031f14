"""Explaining an order's money: each deduction, each hold, its reason and when it ends.

What was released is told from the books; what was not yet, from the plan.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shops.ledger.models import Entry, Kind, Side
from shops.orders.models import Order
from shops.payouts import planning
from shops.payouts.models import Payout, PayoutState, Posting, PostingKind, Reserve, Settlement
from shops.payouts.paying import PAYABLE
from shops.payouts.settling import reserve_for
from shops.payouts.terms import Parts, scaled, shop_of
from shops.returns.queries import open_for

# What leaves or enters the deal with the buyer itself, from the receivers' point of view.
_OUTSIDE: Final = (Kind.ORDER_ESCROW, Kind.PSP_CLEARING)
_LABELS: Final[Mapping[str, str | Promise]] = {
    Kind.TAX_PAYABLE: gettext_lazy("Taxes, passed on"),
    Kind.PLATFORM_FEE: gettext_lazy("Platform fee"),
    Kind.CREATOR_COMMISSION_PAYABLE: gettext_lazy("Creator’s commission"),
    Kind.SELLER_RESERVE: gettext_lazy("Held in reserve"),
    Kind.CHARGE_BACK_LOSS: gettext_lazy("Borne by the platform"),
}


class Stage(StrEnum):
    """How far an order's money has come."""

    UNDELIVERED = "undelivered"
    RETURN_WINDOW = "return_window"
    DISPUTED = "disputed"
    DUE = "due"
    SETTLED = "settled"
    VOID = "void"


@dataclass(frozen=True)
class Item:
    """A deduction (below zero) or what came back of one."""

    label: str
    amount_minor: int
    hint: str = ""


@dataclass(frozen=True)
class Step:
    """Something that moved the order's money: gross + items = what it did to the balance."""

    title: str
    at: datetime | None
    gross_label: str
    gross_minor: int
    items: Sequence[Item]

    @property
    def net_minor(self) -> int:
        return self.gross_minor + sum(item.amount_minor for item in self.items)


@dataclass(frozen=True)
class Explained:
    order: Order
    stage: Stage
    reason: str
    release_at: datetime | None
    steps: Sequence[Step]
    reserve: Reserve | None
    payout: Payout | None

    @property
    def is_settled(self) -> bool:
        return self.stage == Stage.SETTLED

    @property
    def net_minor(self) -> int:
        """Sum what the order has brought to the balance, or will."""
        return sum(step.net_minor for step in self.steps)


def stage_of(row: Settlement, *, now: datetime, is_open: bool) -> Stage:
    if row.is_settled:
        return Stage.SETTLED
    if not row.is_waiting:
        return Stage.VOID
    if row.due_at is None:
        return Stage.UNDELIVERED
    if is_open:
        return Stage.DISPUTED
    return Stage.RETURN_WINDOW if now < row.due_at else Stage.DUE


def reason_of(stage: Stage) -> str:
    """Say why the money is where it is; the date is shown beside it."""
    return {
        Stage.UNDELIVERED: _("Waiting for delivery"),
        Stage.RETURN_WINDOW: _("Held for some days after delivery"),
        Stage.DISPUTED: _("A return or dispute is open"),
        Stage.DUE: _("About to be released"),
        Stage.SETTLED: _("Released"),
        Stage.VOID: _("Nothing to release: the money went back to the buyer"),
    }[stage]


def explain(row: Settlement, *, owner: str, now: datetime) -> Explained:
    """Tell the owner of a part all about it; other owners' parts are only summed up."""
    order = row.order
    stage = stage_of(row, now=now, is_open=bool(open_for([order.pk])))
    reserve = Reserve.objects.filter(settlement=row).first() if shop_of(owner) else None
    if stage == Stage.VOID:
        steps: list[Step] = []
    elif stage == Stage.SETTLED:
        steps = _steps(row, owner, reserve)
    else:
        steps = [_plan(row, owner)]
    return Explained(
        order=order,
        stage=stage,
        reason=reason_of(stage),
        release_at=row.settled_at if row.is_settled else row.due_at,
        steps=steps,
        reserve=reserve,
        payout=_payout(row, owner) if row.is_settled else None,
    )


def expected_minor(row: Settlement, parts: Parts, owner: str) -> int:
    """Work out an owner's share of an order, the reserve included: what is left, or will be."""
    left = row.left_minor if row.is_settled else row.total_minor - row.order.refunded_minor
    if not row.is_settled and not row.is_waiting:
        return 0
    return _own(scaled(parts, left), owner)


def _own(amounts: Parts, owner: str) -> int:
    return sum(amount for (_kind, whose), amount in amounts.items() if whose == owner)


def _plan(row: Settlement, owner: str) -> Step:
    """Tell what will happen when nothing goes back any more; dates are those of today's rules."""
    left = row.total_minor - row.order.refunded_minor
    parts = scaled(planning.parts_of(row), left)
    refunded = Item(_("Refunded so far"), left - row.total_minor)
    if shop_of(owner) is None:
        return _commission(_("Planned"), None, _own(parts, owner))
    effects = Counter[str]({Kind.ORDER_ESCROW: -left})
    for (kind, _owner), amount in parts.items():
        effects[kind] += amount
    held = reserve_for(parts, row)
    effects[Kind.SELLER_PAYABLE] -= held
    effects[Kind.SELLER_RESERVE] += held
    release_at = (
        row.due_at + timedelta(days=settings.RESERVE_DAYS) if row.due_at is not None else None
    )
    items = _items(effects, row, release_at)
    if row.order.refunded_minor:
        items = [refunded, *items]
    return Step(_("Planned"), None, _("Paid by the buyer"), row.total_minor, items)


def _steps(row: Settlement, owner: str, reserve: Reserve | None) -> list[Step]:
    steps = []
    postings = Posting.objects.filter(settlement=row).select_related("journal").order_by("pk")
    entries: dict[int, list[Entry]] = {}
    for entry in (
        Entry.objects.filter(journal__posting__settlement=row)
        .select_related("account")
        .order_by("pk")
    ):
        entries.setdefault(entry.journal_id, []).append(entry)
    for posting in postings:
        step = _step(posting, entries.get(posting.journal_id, []), row, owner, reserve)
        if step is not None:
            steps.append(step)
    return steps


def _step(
    posting: Posting,
    entries: Iterable[Entry],
    row: Settlement,
    owner: str,
    reserve: Reserve | None,
) -> Step | None:
    effects = Counter[str]()
    own = 0
    for entry in entries:
        gained = entry.amount_minor if entry.side == Side.CREDIT else -entry.amount_minor
        effects[entry.account.kind] += gained
        if entry.account.owner == owner and entry.account.kind in PAYABLE:
            own += gained
    title = posting.get_kind_display()
    if shop_of(owner) is None:
        return _commission(title, posting.at, own) if own else None
    gross = -sum(effects[kind] for kind in _OUTSIDE)
    label = _("Paid by the buyer") if gross > 0 else _("Went back to the buyer")
    if posting.kind in (PostingKind.WON, PostingKind.UNDONE):
        label = _("Given back by the buyer's bank")
    items = _items(effects, row, reserve.release_at if reserve else None)
    return Step(title, posting.at, label if gross else "", gross, items)


def _commission(title: str, at: datetime | None, amount_minor: int) -> Step:
    return Step(title, at, _("Your commission"), amount_minor, [])


def _items(effects: Counter[str], row: Settlement, release_at: datetime | None) -> list[Item]:
    """List what others got (as deductions) or gave back, the fund's share within the fee."""
    fund = effects[Kind.CREATOR_FUND]
    amounts = Counter(effects)
    amounts[Kind.PLATFORM_FEE] += fund
    hints = {
        Kind.SELLER_RESERVE: _reserve_hint(row, release_at),
        Kind.PLATFORM_FEE: _rates(row, "fee_bps"),
        Kind.CREATOR_COMMISSION_PAYABLE: _rates(row, "commission_bps"),
    }
    return [
        Item(str(label), -amounts[kind], hints.get(Kind(kind), "") if amounts[kind] > 0 else "")
        for kind, label in _LABELS.items()
        if amounts[kind]
    ]


def _reserve_hint(row: Settlement, release_at: datetime | None) -> str:
    rate = percent(row.reserve_bps)
    if release_at is None:
        return _("%(rate)s of your part, in case the order comes back") % {"rate": rate}
    said = _("%(rate)s of your part, until %(day)s, in case the order comes back")
    return said % {"rate": rate, "day": date_format(release_at, "j M Y")}


def _rates(row: Settlement, name: str) -> str:
    """Say at which rates a deduction was made: those frozen on the lines."""
    rates = sorted({getattr(line, name) for line in row.order.lines.all()} - {0})
    said = ", ".join(percent(rate) for rate in rates)
    return _("%(rate)s of the goods after discounts, without tax") % {"rate": said} if said else ""


def percent(bps: int) -> str:
    """Write basis points as a percentage: 550 as "5.5 %"."""
    whole, part = divmod(bps, 100)
    decimals = f".{part:02d}".rstrip("0") if part else ""
    return f"{whole}{decimals} %"


def _payout(row: Settlement, owner: str) -> Payout | None:
    """Find the payout that the order's money left with: the first one after its release."""
    later = Payout.objects.filter(
        owner=owner, currency=row.currency, created_at__gte=row.settled_at
    ).exclude(state=PayoutState.FAILED)
    return later.order_by("created_at").first()
