"""Money that goes back to buyers, before or after their order was released.

Before, it comes out of escrow, and the room of the payments posts it. After, each account gives
back its part. Who decides holds the order's lock, and is the only one who does, so exactly one of
the two is posted. What an account no longer has makes its balance negative; the next payout takes
that into account.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from shops.ledger.models import Kind, Side
from shops.ledger.services import Line, post
from shops.orders.models import Order
from shops.payouts import planning
from shops.payouts.models import Posting, PostingKind, Reserve, Settlement, SettlementState
from shops.payouts.settling import credits, note, reserve_for, with_reserve
from shops.payouts.terms import scaled, shop_owner

SOURCE_REFUND: Final = "payouts.refund"
SOURCE_CHARGE_BACK: Final = "payouts.charge_back"


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
