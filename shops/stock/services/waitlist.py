"""Who waits for what is sold out: first in, first offered, each offer for a time.

An offer is a hold. It is made in the transaction that frees the units, so nobody else gets between.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.catalog.models import Sku
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.stock import statements
from shops.stock.events import WaitlistEnded, WaitlistOffered
from shops.stock.models import EntryState, Stock, WaitlistEntry, WaitlistEvent
from shops.stock.services.telling import tell
from shops.stock.statements import Ended, Level

MOST_WAITED_FOR = 99


class BadWish(Refused):
    code = "bad_quantity"
    message = _("The quantity must be a whole number from 1 to 99.")
    status = 400


class StillAvailable(Refused):
    """`extra`: `left`, the units that are free."""

    code = "still_available"
    message = _("There are enough units left: you can buy it now.")


@transaction.atomic
def join(*, user: User, sku_id: int, quantity: int, now: datetime) -> WaitlistEntry:
    """Wait for units of a SKU of which fewer are left than are wanted.

    Who waits already keeps their place and gets their entry.

    :raises BadWish: the quantity is not 1 to 99
    :raises NotFound: there is no such SKU for sale
    :raises StillAvailable: enough units are left
    """
    if not 1 <= quantity <= MOST_WAITED_FOR:
        raise BadWish
    sku = Sku.objects.select_related("product__shop").filter(pk=sku_id, is_active=True).first()
    if sku is None or not (sku.product.is_active and sku.product.shop.is_active):
        raise NotFound
    # Under the SKU's lock: units that become free see who waits, or who joins sees the units.
    stock = Stock.objects.select_for_update().filter(sku_id=sku_id).first()
    if stock is None:
        raise NotFound
    still_in = WaitlistEntry.objects.filter(
        user=user, sku=sku, state__in=[EntryState.WAITING, EntryState.OFFERED]
    )
    mine = still_in.first()
    if mine is not None:
        return mine
    if stock.available >= quantity:
        raise StillAvailable(left=stock.available)
    entry = WaitlistEntry.objects.create(user=user, sku=sku, quantity=quantity, joined_at=now)
    WaitlistEvent.objects.create(entry=entry, to_state=EntryState.WAITING, at=now)
    return entry


@transaction.atomic
def leave(*, entry_id: int, user_id: int, now: datetime) -> None:
    """Wait no longer; what was offered goes to the next. Twice is the same as once.

    :raises NotFound: there is no such entry, or it is somebody else's
    """
    entry = _mine(entry_id, user_id)
    if entry.state == EntryState.WAITING:
        ended = statements.end(
            entry_id=entry.pk, from_state=EntryState.WAITING, to_state=EntryState.LEFT, now=now
        )
        _tell_ended(ended, EntryState.LEFT)
        if ended:
            return
        entry.refresh_from_db()
    if entry.is_offered:
        _give_up(entry, to=EntryState.LEFT, now=now)


class OfferOver(Refused):
    code = "offer_over"
    message = _("This offer is over.")


@transaction.atomic
def decline(*, entry_id: int, user_id: int, now: datetime) -> None:
    """Say no thanks to an offer: its units go to the next.

    :raises NotFound: there is no such entry, or it is somebody else's
    :raises OfferOver: it was taken, ran out, or there is none
    """
    entry = _mine(entry_id, user_id)
    if not (entry.is_offered and _give_up(entry, to=EntryState.DECLINED, now=now)):
        raise OfferOver


def _mine(entry_id: int, user_id: int) -> WaitlistEntry:
    entry = WaitlistEntry.objects.filter(pk=entry_id, user_id=user_id).first()
    if entry is None:
        raise NotFound
    return entry


def _give_up(entry: WaitlistEntry, *, to: EntryState, now: datetime) -> bool:
    """End an offer by letting its hold go, if it is still held."""
    if entry.hold_id is None:
        return False
    levels, freed = statements.let_go(hold_ids=[entry.hold_id], step=statements.RELEASE, now=now)
    if not freed:
        return False
    ended = statements.end(entry_id=entry.pk, from_state=EntryState.OFFERED, to_state=to, now=now)
    _tell_ended(ended, to)
    tell(pass_on(levels, now=now))
    return True


def pass_on(levels: Sequence[Level], *, now: datetime) -> list[Level]:
    """Offer units that have become free to who waits for them; returns the levels after that.

    Call it in the transaction that freed them: it has the stock's rows locked.
    """
    free = [level.sku_id for level in levels if level.available > 0]
    waited_for = statements.waited_for(sku_ids=free) if free else set()
    return [_offer(level, now=now) if level.sku_id in waited_for else level for level in levels]


@transaction.atomic
def offer_stranded(*, now: datetime, limit: int = 100) -> int:
    """Offer free units that somebody waits for all the same; returns of how many SKUs.

    They became free while the product was not for sale, so they were not offered then.
    """
    before = statements.stranded(limit=limit)
    after = pass_on(before, now=now)
    changed = [new for old, new in zip(before, after, strict=True) if new.rev != old.rev]
    tell(changed)
    return len(changed)


def _offer(level: Level, *, now: datetime) -> Level:
    turns = statements.turns(sku_id=level.sku_id, units=level.available)
    if not turns:
        return level
    ttl = timedelta(seconds=settings.WAITLIST_OFFER_SECONDS)
    after, until = statements.offer(level=level, turns=turns, ttl=ttl, now=now)
    for turn in turns:
        publish(
            WaitlistOffered(
                entry_id=turn.entry_id,
                user_id=turn.user_id,
                sku_id=level.sku_id,
                product_id=level.product_id,
                quantity=turn.quantity,
                until=until[turn.entry_id],
            )
        )
    return after


def end_ran_out(levels: Sequence[Level], *, now: datetime) -> None:
    """End the offers whose holds were just expired."""
    if levels:
        skus = [level.sku_id for level in levels]
        _tell_ended(statements.end_ran_out(sku_ids=skus, now=now), EntryState.EXPIRED)


def tell_taken(entry_ids: Sequence[int]) -> None:
    """Tell that offers were taken: their holds are ordered."""
    if entry_ids:
        rows = WaitlistEntry.objects.filter(pk__in=entry_ids).order_by("pk")
        taken = rows.values_list("pk", "user_id", "sku_id", "sku__product_id")
        _tell_ended([Ended(*row) for row in taken], EntryState.TAKEN)


def _tell_ended(ended: Iterable[Ended], state: EntryState) -> None:
    for one in ended:
        publish(
            WaitlistEnded(
                entry_id=one.entry_id,
                user_id=one.user_id,
                sku_id=one.sku_id,
                product_id=one.product_id,
                state=state.value,
            )
        )
