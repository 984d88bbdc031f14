"""The shop's side: approve or reject, note what arrived, and say how much goes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused
from shops.returns.models import Return, ReturnLine
from shops.returns.moving import Moved, lock, move, said
from shops.returns.refunds import owe, rest_minor
from shops.returns.states import EventKind, ReturnState, Side
from shops.stock import services as stock

_BEFORE_ARRIVAL: Final = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.IN_TRANSIT)


@dataclass(frozen=True)
class Arrived:
    """Units of a line that came: how many can be sold again, how many can not."""

    restocked: int
    written_off: int


class TooManyArrived(Refused):
    """`extra`: `line_id`, and the `quantity` that was announced."""

    code = "too_many_arrived"
    message = gettext_lazy("That is more than what was to come back.")


class TooMuch(Refused):
    """`extra`: `most_minor`, what may go back at most."""

    code = "refund_too_large"
    message = gettext_lazy("That is more than what can still be given back.")


class BadAmount(Refused):
    code = "bad_amount"
    message = gettext_lazy("Say how much goes back, in whole units of the currency's cents.")
    status = 400


def due_in(days: int, *, now: datetime) -> datetime:
    return now + timedelta(days=days)


@transaction.atomic
def approve(*, case_id: UUID, by: User | None, now: datetime) -> None:
    """Agree that the goods come back; `by` None: the shop was silent for too long.

    When nothing can come back, because it never arrived, all that was asked for is refunded.

    :raises Moved: it was decided before
    """
    case = lock(case_id)
    kind, side = (
        (EventKind.APPROVED, Side.SHOP) if by is not None else (EventKind.SILENCE, Side.CLOCK)
    )
    if not case.needs_goods:
        refund_in_full(case, kind=kind, side=side, by=by, now=now)
        return
    move(
        case,
        ReturnState.APPROVED,
        kind=kind,
        side=side,
        by=by,
        due_at=due_in(settings.RETURN_SEND_DAYS, now=now),
        now=now,
    )


@transaction.atomic
def reject(*, case_id: UUID, reason: str, by: User, now: datetime) -> None:
    """Refuse a request; the buyer may dispute that for a while.

    :raises WordsMissing: no reason
    :raises Moved: it was decided before
    """
    move(
        lock(case_id),
        ReturnState.REJECTED,
        kind=EventKind.REJECTED,
        side=Side.SHOP,
        by=by,
        reason=said(reason),
        due_at=due_in(settings.DISPUTE_DAYS, now=now),
        now=now,
    )


@transaction.atomic
def receive(*, case_id: UUID, arrived: Mapping[int, Arrived], by: User, now: datetime) -> None:
    """Note what came back, by line of the return: into the stock again, or written off.

    :raises NotFound: no such line
    :raises TooManyArrived: more than was announced
    :raises Moved: it is not approved, or what came was noted before
    """
    case = lock(case_id)
    lines = {line.pk: line for line in case.lines.select_related("order_line")}
    for line_id, units in arrived.items():
        if line_id not in lines:
            raise NotFound
        line = lines[line_id]
        if min(units.restocked, units.written_off) < 0 or (
            units.restocked + units.written_off > line.quantity
        ):
            raise TooManyArrived(line_id=line_id, quantity=line.quantity)
        line.restocked, line.written_off = units.restocked, units.written_off
    move(
        case,
        ReturnState.RECEIVED,
        kind=EventKind.RECEIVED,
        side=Side.SHOP,
        by=by,
        reason=_what_came(list(lines.values())),
        received_at=now,
        due_at=due_in(settings.RETURN_SILENCE_DAYS, now=now),
        now=now,
    )
    ReturnLine.objects.bulk_update(lines.values(), ["restocked", "written_off"])
    # In the SKUs' order, as everywhere where several are changed.
    for line in sorted(lines.values(), key=lambda line: line.order_line.sku_id):
        if line.restocked:
            stock.take_back(
                sku_id=line.order_line.sku_id,
                quantity=line.restocked,
                reason=_("Return of order %(number)s") % {"number": case.order.number},
                actor=by,
                now=now,
            )


@transaction.atomic
def refund(*, case_id: UUID, amount_minor: int, reason: str, by: User, now: datetime) -> None:
    """Decide what goes back to the buyer: all that was asked for, or less and why.

    Before the goods have arrived, it means that the buyer may keep them. Nothing at all may go
    back only after the goods were looked at; before, that is a rejection.

    :raises BadAmount: it is negative, or zero before anything arrived
    :raises TooMuch: more than was asked for, or than is left of the order's price
    :raises WordsMissing: less than was asked for, without a reason
    :raises Moved: it was decided before, or rejected
    """
    case = lock(case_id)
    if amount_minor < 0 or (not amount_minor and case.state in _BEFORE_ARRIVAL):
        raise BadAmount
    if case.state not in (*_BEFORE_ARRIVAL, ReturnState.RECEIVED):
        raise Moved(state=case.state)
    most = most_minor(case)
    if amount_minor > most:
        raise TooMuch(most_minor=most)
    is_less = amount_minor < case.asked_minor
    reason = said(reason, most=200) if is_less else reason.strip()[:200]
    kind = EventKind.KEPT if case.state in _BEFORE_ARRIVAL else EventKind.REFUNDED
    _refund(case, amount_minor, reason=reason, kind=kind, side=Side.SHOP, by=by, now=now)


def refund_in_full(
    case: Return, *, kind: EventKind, side: Side, by: User | None, now: datetime
) -> None:
    """Decide to give back all that was asked for, as far as the order's price is still ours."""
    _refund(case, most_minor(case), reason="", kind=kind, side=side, by=by, now=now)


def most_minor(case: Return) -> int:
    """Count what may go back at most; call it under the order's lock."""
    return min(case.short_minor, rest_minor(case.order))


def _refund(
    case: Return,
    amount_minor: int,
    *,
    reason: str,
    kind: EventKind,
    side: Side,
    by: User | None,
    now: datetime,
) -> None:
    move(
        case,
        ReturnState.REFUNDED,
        kind=kind,
        side=side,
        by=by,
        reason=reason,
        amount_minor=amount_minor,
        refund_minor=amount_minor,
        less_because=reason if amount_minor < case.asked_minor else "",
        due_at=due_in(settings.DISPUTE_DAYS, now=now),
        now=now,
    )
    owe(case, amount_minor=amount_minor, reason=reason, by=by, now=now)


def _what_came(lines: list[ReturnLine]) -> str:
    restocked = sum(line.restocked for line in lines)
    written_off = sum(line.written_off for line in lines)
    missing = sum(line.missing for line in lines)
    counts = {"restocked": restocked, "written_off": written_off, "missing": missing}
    text = _("%(restocked)s back in stock, %(written_off)s written off") % counts
    return text + (_(", %(missing)s missing") % counts if missing else "")
