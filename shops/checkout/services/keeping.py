"""Keep the units of carts and quotes: from the cart on, from checkout on, or not at all.

Everything here is called outside of transactions: a SKU's row is locked for a statement at a time.
Whoever dies in between leaves a hold that runs out by itself.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shops.checkout import statements
from shops.checkout.models import CartLine, Quote, QuoteLine
from shops.checkout.policies import keeps_in_cart, keeps_nothing, kept_for
from shops.facts.refused import Refused
from shops.stock import services as stock
from shops.stock.models import Hold, HoldState
from shops.stock.queries import available


class ShortOfStock(Refused):
    """`extra`: `short` lists each `sku_id` with the units `left`."""

    code = "out_of_stock"
    message = _("Some of what is in your cart is sold out, or fewer are left than you want.")


@dataclass(frozen=True)
class Kept:
    """What keeps a line's units: `is_held` not yet, `is_shared` also for a cart or an offer."""

    hold_id: uuid.UUID
    expires_at: datetime | None
    is_held: bool = True
    is_shared: bool = False


def live_holds(*, hold_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Hold]:
    """Find those of the holds that are held, by the database's clock."""
    if not hold_ids:
        return {}
    alive = Hold.objects.filter(state=HoldState.HELD, expires_at__gt=Now())
    return {hold.pk: hold for hold in alive.filter(id__in=hold_ids)}


def keep(*, lines: Sequence[CartLine], buyer_id: int | None, now: datetime) -> dict[int, Kept]:
    """Keep the units of cart lines (their products with policies loaded); by line id, how.

    What a cart or an offer of the waitlist keeps already is used, and made to fit.

    :raises ShortOfStock: not all units are left; nothing new is kept then
    """
    known = _known(lines, buyer_id=buyer_id)
    kept: dict[int, Kept] = {}
    try:
        _check_left([line for line in lines if keeps_nothing(line.sku.product)])
        for line in sorted(lines, key=lambda line: line.sku_id):
            if keeps_nothing(line.sku.product):
                kept[line.pk] = Kept(uuid.uuid4(), None, is_held=False)
            elif line.pk in known and known[line.pk].quantity != line.quantity:
                stock.resize(hold_id=known[line.pk].pk, quantity=line.quantity, now=now)
        # An offer is not given more time: others wait for what it keeps.
        ours = {line.hold_id for line in lines}
        mine = [hold.pk for hold in known.values() if hold.pk in ours]
        renewed = stock.renew(hold_ids=mine, now=now) if mine else []
        until = {hold.pk: hold.expires_at for hold in renewed}
        for pk, hold in known.items():
            kept[pk] = Kept(hold.pk, until.get(hold.pk, hold.expires_at), is_shared=True)
        fresh = [line for line in lines if line.pk not in kept]
        if fresh:
            kept |= _hold(fresh, buyer_id=buyer_id, now=now)
    except stock.OutOfStock as refused:
        raise ShortOfStock(**refused.extra) from None
    return kept


def let_go(kept: Collection[Kept], *, now: datetime) -> None:
    """Release what was kept for a quote alone."""
    own = [one.hold_id for one in kept if one.is_held and not one.is_shared]
    if own:
        stock.release(hold_ids=own, now=now)


def fit_cart_hold(line: CartLine, *, buyer_id: int | None, now: datetime) -> None:
    """Make what a cart keeps of a line fit its quantity, if its product is kept from the cart on.

    An open quote that shares the hold is closed first: it can't be ordered in another size.

    :raises OutOfStock: fewer units are left; what was kept stays kept
    """
    if not keeps_in_cart(line.sku.product):
        return
    hold_ids = [line.hold_id] if line.hold_id else []
    hold = live_holds(hold_ids=hold_ids).get(line.hold_id) if line.hold_id else None
    if hold is None:
        known = _known([line], buyer_id=buyer_id)
        if line.pk not in known:
            # Another tab was first when this hold is not the cart's.
            let_go(_hold([line], buyer_id=buyer_id, now=now).values(), now=now)
            return
        hold = known[line.pk]  # an offer of the waitlist
    if hold.quantity != line.quantity:
        close_sharing(hold_id=hold.pk, now=now)
        stock.resize(hold_id=hold.pk, quantity=line.quantity, now=now)


def drop_cart_hold(hold_id: uuid.UUID | None, *, now: datetime) -> None:
    """Let go what a cart kept of a line that was taken out."""
    if hold_id is not None:
        close_sharing(hold_id=hold_id, now=now)
        stock.release(hold_ids=[hold_id], now=now)


@transaction.atomic
def close(quote: Quote, *, now: datetime) -> bool:
    """Close a quote if it is open, and release what it keeps by itself."""
    mine = Quote.objects.filter(pk=quote.pk, state=Quote.State.OPEN)
    if not mine.update(state=Quote.State.CLOSED):
        return False
    own = quote.lines.filter(is_held=True, is_shared=False)
    stock.release(hold_ids=list(own.values_list("hold_id", flat=True)), now=now)
    return True


def close_sharing(*, hold_id: uuid.UUID, now: datetime) -> None:
    """Close the open quote that shares a hold."""
    sharing = QuoteLine.objects.filter(hold_id=hold_id).values("quote_id")
    for quote in Quote.objects.filter(pk__in=sharing, state=Quote.State.OPEN):
        close(quote, now=now)


def _known(lines: Sequence[CartLine], *, buyer_id: int | None) -> dict[int, Hold]:
    """Find by line what is kept of it already: by the cart, or offered to who waited."""
    offers: dict[int, uuid.UUID] = {}
    if buyer_id is not None:
        offers = statements.offers_to(user_id=buyer_id, sku_ids=[line.sku_id for line in lines])
    ids = [line.hold_id for line in lines if line.hold_id]
    alive = live_holds(hold_ids=[*ids, *offers.values()])
    found = {}
    for line in lines:
        for hold_id in (line.hold_id, offers.get(line.sku_id)):
            if hold_id in alive:
                found[line.pk] = alive[hold_id]
                break
    return found


def _hold(lines: Sequence[CartLine], *, buyer_id: int | None, now: datetime) -> dict[int, Kept]:
    """Hold the units of lines anew; those that a cart keeps are noted there."""
    ids = {line.pk: uuid.uuid4() for line in lines}
    holds = stock.hold(
        wanted=[stock.Wanted(ids[line.pk], line.sku_id, line.quantity) for line in lines],
        now=now,
        ttl=min(kept_for(line.sku.product) for line in lines),
        buyer_id=buyer_id,
    )
    kept = {}
    for line, hold in zip(lines, holds, strict=True):
        is_shared = False
        if keeps_in_cart(line.sku.product):
            # Another tab may have been first; then this hold is the caller's alone.
            mine = CartLine.objects.filter(pk=line.pk, hold_id=line.hold_id)
            is_shared = bool(mine.update(hold_id=hold.pk))
        kept[line.pk] = Kept(hold.pk, hold.expires_at, is_shared=is_shared)
    return kept


def _check_left(lines: Sequence[CartLine]) -> None:
    """Refuse what is sold out although nothing is kept of it before it is paid."""
    if not lines:
        return
    left = available(sku_ids=[line.sku_id for line in lines])
    short = [
        {"sku_id": line.sku_id, "left": left[line.sku_id]}
        for line in lines
        if left[line.sku_id] < line.quantity
    ]
    if short:
        raise ShortOfStock(short=short)
