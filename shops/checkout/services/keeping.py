"""Keep the units of carts and quotes: from the cart on, from checkout on, or not at all.

Everything here is called outside of transactions: a SKU's row is locked for a statement at a time.
Whoever dies in between leaves a hold that runs out by itself.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shops.checkout import quote_statements, statements
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


class Kept(NamedTuple):
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


class ToKeep(NamedTuple):
    """Cart lines (their products with policies loaded) whose units are to be kept for a buyer.

    `offers` are by SKU the holds that the waitlist offers to the buyer.
    """

    lines: Sequence[CartLine]
    buyer_id: int | None
    offers: Mapping[int, uuid.UUID]
    now: datetime


def keep_each(carts: Sequence[ToKeep]) -> list[dict[int, Kept] | Refused]:
    """Keep the units of several carts; each gets by line id how, or a refusal and nothing new.

    What a cart or an offer of the waitlist keeps already is used, and made to fit. Those whose
    units are not all left are refused as ShortOfStock.
    """
    known = _known(carts)
    left = _left(carts)
    kept: list[dict[int, Kept] | Refused] = [{} for _cart in carts]
    for number, cart in enumerate(carts):
        try:
            kept[number] = _fit(cart, known[number], left=left)
        except stock.OutOfStock as refused:
            kept[number] = ShortOfStock(**refused.extra)
        except Refused as refused:
            kept[number] = refused
    _renew(carts, known, kept)
    fresh = {
        number: lines
        for number, cart in enumerate(carts)
        if not isinstance(own := kept[number], Refused)
        and (lines := [line for line in cart.lines if line.pk not in own])
    }
    held = _hold([carts[number]._replace(lines=lines) for number, lines in fresh.items()])
    for number, new in zip(fresh, held, strict=True):
        own = kept[number]
        if isinstance(new, stock.OutOfStock):
            kept[number] = ShortOfStock(**new.extra)
        elif isinstance(new, Refused):
            kept[number] = new
        elif not isinstance(own, Refused):
            own |= new
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
        offers = {}
        if buyer_id is not None:
            offers = statements.offers_to(user_id=buyer_id, sku_ids=[line.sku_id])
        cart = ToKeep([line], buyer_id, offers, now)
        [known] = _known([cart])
        if line.pk not in known:
            [new] = _hold([cart])
            if isinstance(new, Refused):
                raise new
            # Another tab was first when this hold is not the cart's.
            let_go(new.values(), now=now)
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


def close(quote: Quote, *, now: datetime) -> bool:
    """Close a quote if it is open, and release what it keeps by itself."""
    return close_all([quote.pk], now=now) == 1


@transaction.atomic
def close_all(quote_ids: Collection[uuid.UUID], *, now: datetime) -> int:
    """Close those of the quotes that are open, as `close`; returns how many."""
    closed, own = quote_statements.close(quote_ids=quote_ids)
    if own:
        stock.release(hold_ids=own, now=now)
    return len(closed)


def close_sharing(*, hold_id: uuid.UUID, now: datetime) -> None:
    """Close the open quote that shares a hold."""
    sharing = QuoteLine.objects.filter(hold_id=hold_id).values("quote_id")
    for quote in Quote.objects.filter(pk__in=sharing, state=Quote.State.OPEN):
        close(quote, now=now)


def _known(carts: Sequence[ToKeep]) -> list[dict[int, Hold]]:
    """Find by cart and line what is kept of it already: by the cart, or offered to who waited."""
    ids = {line.hold_id for cart in carts for line in cart.lines if line.hold_id}
    ids |= {hold_id for cart in carts for hold_id in cart.offers.values()}
    alive = live_holds(hold_ids=ids)
    found: list[dict[int, Hold]] = []
    for cart in carts:
        own = {}
        for line in cart.lines if alive else ():
            for hold_id in (line.hold_id, cart.offers.get(line.sku_id)):
                if hold_id in alive:
                    own[line.pk] = alive[hold_id]
                    break
        found.append(own)
    return found


def _fit(cart: ToKeep, known: Mapping[int, Hold], *, left: Mapping[int, int]) -> dict[int, Kept]:
    """Use what is kept of a cart already and made to fit, and find what is not kept at all."""
    kept: dict[int, Kept] = {}
    unkept = [line for line in cart.lines if keeps_nothing(line.sku.product)]
    _check_left(unkept, left=left)
    for line in unkept:
        kept[line.pk] = Kept(uuid.uuid4(), None, is_held=False)
    for line in sorted(cart.lines, key=lambda line: line.sku_id) if known else ():
        if line.pk in kept:
            continue
        if line.pk in known and known[line.pk].quantity != line.quantity:
            stock.resize(hold_id=known[line.pk].pk, quantity=line.quantity, now=cart.now)
    for pk, hold in known.items():
        kept[pk] = Kept(hold.pk, hold.expires_at, is_shared=True)
    return kept


def _renew(
    carts: Sequence[ToKeep],
    known: Sequence[Mapping[int, Hold]],
    kept: list[dict[int, Kept] | Refused],
) -> None:
    """Give what carts keep more time; an offer gets none: others wait for what it keeps."""
    mine: dict[int, list[uuid.UUID]] = {}
    for number, cart in enumerate(carts):
        ours = {line.hold_id for line in cart.lines}
        own = [hold.pk for hold in known[number].values() if hold.pk in ours]
        if own and not isinstance(kept[number], Refused):
            mine[number] = own
    for number, answer in _renewed(mine, now=carts[0].now).items() if mine else ():
        own_kept = kept[number]
        if isinstance(answer, Refused):
            kept[number] = answer
        elif not isinstance(own_kept, Refused):
            for pk, one in own_kept.items():
                if one.hold_id in answer:
                    own_kept[pk] = one._replace(expires_at=answer[one.hold_id])


def _renewed(
    mine: Mapping[int, list[uuid.UUID]], *, now: datetime
) -> dict[int, dict[uuid.UUID, datetime] | Refused]:
    """Renew the holds of several carts at once; when one of them is gone, each cart's by itself."""
    try:
        holds = stock.renew(hold_ids=[pk for own in mine.values() for pk in own], now=now)
    except Refused as refused:
        if len(mine) == 1:
            return dict.fromkeys(mine, refused)
        return {
            number: answer
            for one in mine.items()
            for number, answer in _renewed(dict([one]), now=now).items()
        }
    until = {hold.pk: hold.expires_at for hold in holds}
    return {number: {pk: until[pk] for pk in own} for number, own in mine.items()}


def _hold(carts: Sequence[ToKeep]) -> list[dict[int, Kept] | Refused]:
    """Hold the units of carts' lines anew; those that a cart keeps are noted there."""
    if not carts:
        return []
    asks = [
        stock.Ask(
            [stock.Wanted(uuid.uuid4(), line.sku_id, line.quantity) for line in cart.lines],
            min(kept_for(line.sku.product) for line in cart.lines),
            cart.now,
            cart.buyer_id,
        )
        for cart in carts
    ]
    held = stock.hold_each(asks)
    try:
        return [
            answer
            if isinstance(answer, Refused)
            else {
                line.pk: Kept(hold.id, hold.expires_at, is_shared=_note(line, hold.id))
                for line, hold in zip(cart.lines, answer, strict=True)
            }
            for cart, answer in zip(carts, held, strict=True)
        ]
    except BaseException:
        for cart, answer in zip(carts, held, strict=True):
            if not isinstance(answer, Refused):
                stock.release(hold_ids=[hold.id for hold in answer], now=cart.now)
        raise


def _note(line: CartLine, hold_id: uuid.UUID) -> bool:
    """Note what keeps a line in the cart, if its product is kept from there on.

    Another tab may have been first; then the hold is the caller's alone.
    """
    if not keeps_in_cart(line.sku.product):
        return False
    mine = CartLine.objects.filter(pk=line.pk, hold_id=line.hold_id)
    return bool(mine.update(hold_id=hold_id))


def _left(carts: Sequence[ToKeep]) -> dict[int, int]:
    """Count by SKU what is left of that of which nothing is kept before it is paid."""
    sku_ids = {
        line.sku_id for cart in carts for line in cart.lines if keeps_nothing(line.sku.product)
    }
    return available(sku_ids=sku_ids) if sku_ids else {}


def _check_left(lines: Sequence[CartLine], *, left: Mapping[int, int]) -> None:
    """Refuse what is sold out although nothing is kept of it before it is paid."""
    short = [
        {"sku_id": line.sku_id, "left": left[line.sku_id]}
        for line in lines
        if left[line.sku_id] < line.quantity
    ]
    if short:
        raise ShortOfStock(short=short)
