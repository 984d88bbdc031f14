"""Money that goes back to buyers, before or after their order was released.

Before, it comes out of escrow, and the room of the payments posts it. After, each account gives
back its part. Who decides holds the order's lock, and is the only one who does, so exactly one of
the two is posted. What an account no longer has makes its balance negative; the next payout takes
that into account. What comes back to us after all (a charge-back that was won, a refund that did
not arrive) goes where it came from, or where the rest of the order went meanwhile.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import transaction

from shops.ledger.models import Journal, Kind, Side
from shops.ledger.services import Line, post
from shops.orders.models import OVER, Order
from shops.payments import reactions as payments
from shops.payouts import planning
from shops.payouts.models import Posting, PostingKind, Reserve, Settlement, SettlementState
from shops.payouts.settling import credits, note, reserve_for, with_reserve
from shops.payouts.terms import scaled, shop_owner

SOURCE_REFUND: Final = "payouts.refund"
SOURCE_CHARGE_BACK: Final = "payouts.charge_back"
SOURCE_WON: Final = "payouts.charge_back_won"
SOURCE_UNDONE: Final = "payouts.refund_undone"


class NotPostedYet(RuntimeError):
    """What is to be reversed is not in the books yet: its job is tried again."""


def released(order: Order) -> Settlement | None:
    """Find the settlement of an order whose money was released; the caller holds its lock."""
    return Settlement.objects.filter(order=order, state=SettlementState.SETTLED).first()


@transaction.atomic
def take_back(
    *,
    order: Order,
    row: Settlement,
    amount_minor: int,
    kind: PostingKind,
    source: str,
    key: str,
    description: str,
    spare_minor: int = 0,
    now: datetime,
) -> None:
    """Take money that left the provider's account out of the parts of a released order.

    After it every account has its share of what is left of the order, so that a full refund leaves
    nothing anywhere. What is more than was left (`spare_minor` is for somebody else) is the
    platform's loss. The caller holds the order's lock; a second posting under the same key changes
    nothing.
    """
    if Posting.objects.filter(journal__source=source, journal__key=key).exists():
        return
    owner = shop_owner(order.shop_id)
    before = row.left_minor
    after = max(before - amount_minor, min(spare_minor, before))
    frozen = planning.parts_of(row)
    had, keeps = scaled(frozen, before), scaled(frozen, after)
    lost = amount_minor - (before - after)
    reserve = Reserve.objects.filter(settlement=row, released_at=None).first()
    from_reserve = 0
    if reserve is not None:
        held = min(reserve_for(keeps, row), reserve.left_minor)
        from_reserve = reserve.left_minor - held
        Reserve.objects.filter(pk=reserve.pk).update(left_minor=held)
    given_back = with_reserve(
        {part: had[part] - keeps[part] for part in frozen}, owner, from_reserve
    )
    lines = [
        Line(
            kind=Kind.PSP_CLEARING,
            side=Side.CREDIT,
            amount_minor=amount_minor,
            currency=row.currency,
        ),
        *credits({part: -amount for part, amount in given_back.items()}, row.currency),
        *credits({(Kind.CHARGE_BACK_LOSS, ""): -lost}, row.currency),
    ]
    journal = post(source=source, key=key, lines=lines, description=description, now=now)
    Settlement.objects.filter(pk=row.pk).update(left_minor=after)
    note(row, journal, kind, amount_minor, now=now)


def taken_minor(journals: Collection[Journal]) -> int:
    """Sum what journals say has left the provider's account."""
    return sum(_effects(journal)[Kind.PSP_CLEARING] for journal in journals)


@transaction.atomic
def put_back(
    *,
    order: Order,
    taken: Journal,
    kind: PostingKind,
    sources: tuple[str, str],
    description: str,
    now: datetime,
) -> None:
    """Reverse a journal that took money of an order away: it is at the provider's account again.

    An order that was not released has it in escrow again, and is released when its time comes. One
    that was, shares it out so that every account has its part of what is left of the order; what
    the platform had lost it has again. The caller holds the order's lock.

    :param sources: of the journal that is written, without and with a release
    """
    row = released(order)
    if row is None:
        payments.post_back(source=sources[0], taken=taken, description=description, now=now)
        if order.state not in OVER:
            planning.wait_again(order)
        return
    effects = _effects(taken)
    amount, lost = effects[Kind.PSP_CLEARING], -effects[Kind.CHARGE_BACK_LOSS]
    before = row.left_minor
    after = before + amount - lost
    frozen = planning.parts_of(row)
    had, has = scaled(frozen, before), scaled(frozen, after)
    reserve = Reserve.objects.filter(settlement=row, released_at=None).first()
    into_reserve = 0
    if reserve is not None:
        held = max(min(reserve_for(has, row), reserve.amount_minor), reserve.left_minor)
        into_reserve = held - reserve.left_minor
        Reserve.objects.filter(pk=reserve.pk).update(left_minor=held)
    given = with_reserve(
        {part: has[part] - had[part] for part in frozen}, shop_owner(order.shop_id), into_reserve
    )
    lines = [
        Line(kind=Kind.PSP_CLEARING, side=Side.DEBIT, amount_minor=amount, currency=row.currency),
        *credits(given, row.currency),
        *credits({(Kind.CHARGE_BACK_LOSS, ""): lost}, row.currency),
    ]
    journal = post(source=sources[1], key=taken.key, lines=lines, description=description, now=now)
    Settlement.objects.filter(pk=row.pk).update(left_minor=after)
    note(row, journal, kind, amount, now=now)


def _effects(journal: Journal) -> Counter[Kind]:
    """Sum a journal's entries by kind of account, credits above zero."""
    found = Counter[Kind]()
    for entry in journal.entries.select_related("account"):
        signed = entry.amount_minor if entry.side == Side.CREDIT else -entry.amount_minor
        found[Kind(entry.account.kind)] += signed
    return found
