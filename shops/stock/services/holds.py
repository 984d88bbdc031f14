"""Keep units for buyers, give them back, sell them.

`now` is the caller's clock and is written in the history. Whether a hold has run out is asked of
the database's clock alone, so that a web server whose clock is wrong takes no buyer's hold away.
Units that become free are offered to who waits for them, in the same transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.refused import Refused
from shops.facts.transactions import whole
from shops.stock import batcher, statements
from shops.stock.models import LONGEST_HOLD, Hold, HoldState, WaitlistEntry
from shops.stock.reserving import Answer, Ask, Wanted, check, reserve
from shops.stock.services.telling import tell
from shops.stock.services.waitlist import end_ran_out, pass_on, tell_taken
from shops.stock.telling import teller

RENEWED_FOR: Final = timedelta(minutes=5)
HARD_CAP: Final = timedelta(seconds=LONGEST_HOLD)


def hold(
    *,
    wanted: Sequence[Wanted],
    now: datetime,
    ttl: timedelta,
    buyer_id: int | None = None,
) -> list[Hold]:
    """Keep units for a buyer for `ttl`, all that are wanted or none; the one door to a hold.

    Asking again with the same ids gives the same holds, in whatever state they are by now, and
    reserves nothing twice. Many requests for a SKU at once are reserved together (`batcher`). Call
    it outside a transaction: in one, the lock on a SKU lasts until the end of the outermost one.
    Returns the holds in the order of `wanted`.

    :raises BadQuantity: a quantity is not 1 to 99
    :raises HoldMismatch: an id was used before for another SKU, quantity or buyer
    :raises OutOfStock: fewer units are left than were asked for
    :raises Busy: more is asked for than we can take
    """
    check(wanted)
    kept = batcher.keep(Ask(wanted, ttl, now, buyer_id))
    return [one.as_hold() for one in kept]


def hold_each(asks: Sequence[Ask]) -> list[Answer]:
    """Do as `hold` for several buyers at once, in their turn; each gets the holds or a refusal.

    They are a batch already, so they take the lock of their SKUs once and wait for nobody else's
    batch; one alone goes the way of `hold`. Call it outside a transaction.
    """
    answers: list[Answer] = []
    fine = []
    for ask in asks:
        answers.append([])
        try:
            check(ask.wanted)
            if len(asks) == 1:
                answers[-1] = batcher.keep(ask)
            else:
                fine.append(len(answers) - 1)
        except Refused as refused:
            answers[-1] = refused
    if fine:
        found = reserve([asks[number] for number in fine], show=teller.tell)
        for number, answer in zip(fine, found, strict=True):
            answers[number] = answer
    return answers


@transaction.atomic
def release(*, hold_ids: Iterable[UUID], now: datetime) -> int:
    """Give up holds that are still held; others are left alone. Returns how many were freed.

    An offer of the waitlist stays, too: who turns back at checkout may still take it.
    """
    levels, freed = statements.let_go(
        hold_ids=list(hold_ids), step=statements.RELEASE, now=now, keeps_offers=True
    )
    tell(pass_on(levels, now=now))
    return freed


@transaction.atomic
def give_back(*, hold_ids: Iterable[UUID], now: datetime) -> int:
    """Free the units of an order that was cancelled, expired or refunded before it was sent.

    Twice is the same as once. Returns how many holds were freed.
    """
    levels, freed = statements.let_go(hold_ids=list(hold_ids), step=statements.FREE, now=now)
    tell(pass_on(levels, now=now))
    return freed


class NotOrdered(Refused):
    """`extra`: `hold_ids` that are neither ordered nor shipped."""

    code = "hold_not_ordered"
    message = _("These goods are not ordered, so they can't be shipped.")


@transaction.atomic
def ship(*, hold_ids: Iterable[UUID], now: datetime, actor: User | None = None) -> int:
    """Take ordered units out of the stock for good: they are on their way to the buyer.

    Twice is the same as once. Returns how many holds were shipped now.

    :raises NotOrdered: one was given back, ran out, is not ordered yet, or never was
    """
    ids = set(hold_ids)
    levels, shipped = statements.let_go(
        hold_ids=sorted(ids),
        step=statements.SELL,
        now=now,
        actor_id=actor.pk if actor else None,
    )
    if shipped < len(ids):
        sold = Hold.objects.filter(id__in=ids, state=HoldState.SOLD).values_list("id", flat=True)
        if missed := ids - set(sold):
            raise NotOrdered(hold_ids=sorted(map(str, missed)))
    tell(levels)
    return shipped


class HoldExpired(Refused):
    """`extra`: `hold_ids` that are no longer held."""

    code = "hold_expired"
    message = _("The time that these goods were kept for you is over.")


class HoldUsed(Refused):
    """`extra`: `hold_ids` that an order has already."""

    code = "hold_used"
    message = _("These goods are ordered already.")


@whole
def commit(*, hold_ids: Iterable[UUID], is_renewed: bool = False, now: datetime) -> None:
    """Turn holds into ordered units, all or none, without touching the stock row.

    With `is_renewed` they get the time that `renew` would have given them, first. An offer of the
    waitlist is taken by that.

    :raises HoldExpired: one ran out by the database's clock, was released, or never was
    :raises HoldUsed: one was committed before
    """
    if missed := commit_all(hold_ids=hold_ids, is_renewed=is_renewed, now=now):
        _refuse(missed)


@whole
def commit_all(*, hold_ids: Iterable[UUID], is_renewed: bool = False, now: datetime) -> set[UUID]:
    """Do as `commit` with those that can be committed; returns the others, which stay as they are.

    For several buyers' at once: the caller decides what becomes of who misses one.
    """
    ids = set(hold_ids)
    if not ids:
        return ids
    committed, taken = statements.commit(
        hold_ids=sorted(ids),
        below=timedelta(seconds=settings.HOLD_RENEW_BELOW_SECONDS if is_renewed else 0),
        extension=RENEWED_FOR,
        cap=HARD_CAP,
        now=now,
    )
    tell_taken(taken)
    return ids - committed


@whole
def renew(*, hold_ids: Iterable[UUID], now: datetime) -> list[Hold]:
    """Give holds with under two minutes left five more, at most 15 minutes after they began.

    :raises HoldExpired: one is no longer held
    :raises HoldUsed: one was committed before
    """
    below = timedelta(seconds=settings.HOLD_RENEW_BELOW_SECONDS)
    return _renew(set(hold_ids), below=below, extension=RENEWED_FOR)


class OfferFixed(Refused):
    code = "offer_fixed"
    message = _("Others wait for this, too, so there is no more time for it.")


class NoMoreTime(Refused):
    code = "hold_at_cap"
    message = _("This was kept for you as long as possible. It can't be extended once more.")


@transaction.atomic
def extend(*, hold_ids: Iterable[UUID], now: datetime, by: timedelta = RENEWED_FOR) -> list[Hold]:
    """Keep units until `by` from now because their buyer asks, at most 15 minutes in all.

    :raises HoldExpired: one is no longer held
    :raises HoldUsed: one was committed before
    :raises OfferFixed: one is an offer of the waitlist
    :raises NoMoreTime: they are kept as long as they may be already
    """
    ids = set(hold_ids)
    if WaitlistEntry.objects.filter(hold_id__in=ids).exists():
        raise OfferFixed
    before = dict(Hold.objects.filter(id__in=ids).values_list("id", "expires_at"))
    extended = _renew(ids, below=by, extension=by)
    if all(one.expires_at == before[one.pk] for one in extended) and all(
        one.expires_at >= one.created_at + HARD_CAP for one in extended
    ):
        raise NoMoreTime
    return extended


def _renew(ids: set[UUID], *, below: timedelta, extension: timedelta) -> list[Hold]:
    missed = ids - statements.renew(
        hold_ids=sorted(ids), below=below, extension=extension, cap=HARD_CAP
    )
    if missed:
        _refuse(missed)
    return list(Hold.objects.filter(id__in=ids).order_by("id"))


def _refuse(hold_ids: Iterable[UUID]) -> None:
    used = Hold.objects.filter(id__in=hold_ids, state__in=[HoldState.COMMITTED, HoldState.SOLD])
    ordered = sorted(str(pk) for pk in used.values_list("id", flat=True))
    if ordered:
        raise HoldUsed(hold_ids=ordered)
    raise HoldExpired(hold_ids=sorted(str(pk) for pk in hold_ids))


@transaction.atomic
def expire_due(*, now: datetime, limit: int = 500) -> int:
    """Free up to `limit` holds that ran out at `now`, offers among them; returns how many.

    Pass the database's clock (`queries.database_now`). Several sweepers may run at once.
    """
    levels, expired = statements.let_go_due(due=now, step=statements.EXPIRE, limit=limit)
    end_ran_out(levels, now=now)
    tell(pass_on(levels, now=now))
    return expired
