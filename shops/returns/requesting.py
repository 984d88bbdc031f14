"""The buyer's side: ask to give goods back, send them, or take the request back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.pictures import Picture
from shops.facts.refused import NotFound, Refused
from shops.orders.models import Order, OrderLine, OrderState
from shops.returns import amounts
from shops.returns.models import OPEN_STATES, Return, ReturnLine
from shops.returns.moving import Moved, lock, move, note, said
from shops.returns.photos import keep
from shops.returns.refunds import rest_minor
from shops.returns.states import EventKind, ReturnReason, ReturnState, Side

# Something of these was sent.
_SENT: Final = (
    OrderState.PARTIALLY_SHIPPED,
    OrderState.IN_TRANSIT,
    OrderState.DELIVERED,
    OrderState.COMPLETED,
)
# A parcel that the carrier says nothing of may be called lost after so long.
NEVER_ARRIVED_AFTER: Final = timedelta(days=7)


@dataclass(frozen=True)
class Returnable:
    """A line that was sent to the buyer: how many units may still be asked for."""

    line: OrderLine
    bought: amounts.Bought

    @property
    def left(self) -> int:
        return self.bought.left


class NotReturnable(Refused):
    code = "not_returnable"
    message = _("Nothing of this order can be sent back: it was not sent, or all of it was asked.")


class NothingLeft(Refused):
    code = "nothing_left"
    message = _("All that was paid for this order has gone back already, or is about to.")


class WindowOver(Refused):
    code = "return_window_over"
    message = _("The time to send this order back is over.")


class TooManyUnits(Refused):
    """`extra`: `line_id`, and how many units are `left`."""

    code = "too_many_units"
    message = _("That is more than what can still be sent back.")


class NothingChosen(Refused):
    code = "nothing_chosen"
    message = _("Choose what you want to send back.")
    status = 400


class StillUnderWay(Refused):
    code = "still_under_way"
    message = _("This parcel is still on its way. Give it seven days from when it was sent.")


def returnable(*, order: Order, now: datetime) -> list[Returnable]:
    """List the lines of an order that were sent, with what is left to ask for; [] when too late."""
    if order.state not in _SENT or is_too_late(order=order, now=now):
        return []
    taken: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for line in ReturnLine.objects.filter(case__order=order, case__is_withdrawn=False):
        taken[line.order_line_id][0] += line.quantity
        taken[line.order_line_id][1] += line.amount_minor
    sent = (
        order.lines.filter(parcel_line__isnull=False, cancelled_at__isnull=True)
        .select_related("parcel_line__parcel", "sku__product")
        .order_by("pk")
    )
    return [
        Returnable(
            line=line,
            bought=amounts.Bought(
                line_id=line.pk,
                quantity=line.quantity,
                paid_minor=line.paid_minor,
                taken=taken[line.pk][0],
                taken_minor=taken[line.pk][1],
            ),
        )
        for line in sent
    ]


def is_too_late(*, order: Order, now: datetime) -> bool:
    return order.complete_at is not None and order.complete_at <= now


@transaction.atomic
def request(
    *,
    order_id: int,
    buyer: User,
    units: Mapping[int, int],
    reason: ReturnReason,
    words: str = "",
    photos: Sequence[Picture] = (),
    now: datetime,
) -> Return:
    """Ask the shop to take units (by order line) back; what may go back is computed and frozen.

    :raises NotFound: no such order of this buyer, or no such line of it
    :raises WindowOver: the return window is over
    :raises NotReturnable: nothing of the order was sent, or everything was asked for before
    :raises NothingChosen: no units
    :raises TooManyUnits: more than were bought, over all returns of the order
    :raises NothingLeft: all its money has gone back
    :raises StillUnderWay: it can't be called lost yet
    :raises WordsMissing: "something else" was not explained
    """
    order = Order.objects.select_for_update().filter(pk=order_id, buyer=buyer).first()
    if order is None:
        raise NotFound
    if is_too_late(order=order, now=now):
        raise WindowOver
    words = said(words) if reason == ReturnReason.OTHER else words.strip()[:1000]
    lines = {one.line.pk: one for one in returnable(order=order, now=now)}
    if not any(one.left for one in lines.values()):
        raise NotReturnable
    chosen = {line_id: count for line_id, count in units.items() if count}
    _check(chosen, lines, reason=reason, now=now)
    rest = max(0, rest_minor(order) - _undecided(order))
    if not rest and order.total_minor:
        raise NothingLeft
    asked = amounts.asked_for(
        bought=[one.bought for one in lines.values()],
        units=chosen,
        reason=reason,
        stays=_stays(order),
        shipping_left_minor=_shipping_left(order),
        rest_minor=rest,
    )
    case = Return.objects.create(
        order=order,
        buyer=buyer,
        reason=reason,
        words=words,
        currency=order.currency,
        goods_minor=asked.goods_minor,
        shipping_minor=asked.shipping_minor,
        requested_at=now,
        due_at=now + timedelta(days=settings.RETURN_SILENCE_DAYS),
    )
    ReturnLine.objects.bulk_create(
        ReturnLine(
            case=case,
            order_line_id=line_id,
            quantity=count,
            amount_minor=asked.lines[line_id],
        )
        for line_id, count in sorted(chosen.items())
    )
    keep(case, photos, side=Side.BUYER, by=buyer, now=now)
    note(
        case,
        kind=EventKind.REQUESTED,
        side=Side.BUYER,
        by=buyer,
        reason=words,
        amount_minor=case.asked_minor,
        now=now,
        before="",
    )
    return case


@transaction.atomic
def send(*, case_id: UUID, carrier: str, tracking_number: str, by: User, now: datetime) -> None:
    """Note that the buyer has sent approved goods back.

    :raises WordsMissing: no carrier was named
    :raises Moved: it is not approved, or was sent before
    """
    carrier = said(carrier, most=60)
    tracking_number = tracking_number.strip()[:60]
    move(
        lock(case_id),
        ReturnState.IN_TRANSIT,
        kind=EventKind.SENT,
        side=Side.BUYER,
        by=by,
        reason=f"{carrier} {tracking_number}".strip(),
        carrier=carrier,
        tracking_number=tracking_number,
        sent_at=now,
        now=now,
    )


@transaction.atomic
def cancel(*, case_id: UUID, by: User, now: datetime) -> None:
    """Take a request back that was not decided, or whose goods were not sent; it may be made anew.

    :raises Moved: it was rejected, sent, or its money is on its way
    """
    case = lock(case_id)
    if case.state in (ReturnState.REJECTED, ReturnState.REFUNDED, ReturnState.DISPUTED):
        # The table knows a way from there, but not this one.
        raise Moved(state=case.state)
    move(
        case,
        ReturnState.CLOSED,
        kind=EventKind.CANCELLED,
        side=Side.BUYER,
        by=by,
        is_withdrawn=True,
        now=now,
    )


def _check(
    chosen: Mapping[int, int],
    lines: Mapping[int, Returnable],
    *,
    reason: ReturnReason,
    now: datetime,
) -> None:
    if not chosen:
        raise NothingChosen
    for line_id, count in chosen.items():
        if line_id not in lines:
            raise NotFound
        if not 0 < count <= lines[line_id].left:
            raise TooManyUnits(line_id=line_id, left=lines[line_id].left)
        parcel = lines[line_id].line.parcel_line.parcel
        is_silent = parcel.is_lost or parcel.is_delivered
        if (
            reason == ReturnReason.NEVER_ARRIVED
            and not is_silent
            and now < parcel.shipped_at + NEVER_ARRIVED_AFTER
        ):
            raise StillUnderWay


def _stays(order: Order) -> bool:
    """Tell whether something is still to be sent, or was asked for and not taken back."""
    is_unsent = order.lines.filter(parcel_line__isnull=True, cancelled_at__isnull=True).exists()
    over = (ReturnState.REJECTED, ReturnState.CLOSED)
    refused = Return.objects.filter(order=order, is_withdrawn=False, state__in=over, refund_minor=0)
    return is_unsent or refused.exists()


def _shipping_left(order: Order) -> int:
    """Count what was paid for shipping, with its tax, and no return has asked for."""
    paid = order.total_minor - sum(line.paid_minor for line in order.lines.all())
    asked = Return.objects.filter(order=order, is_withdrawn=False)
    return max(0, paid - sum(asked.values_list("shipping_minor", flat=True)))


def _undecided(order: Order) -> int:
    """Count what open returns ask for and nobody has decided about."""
    undecided = Return.objects.filter(
        order=order,
        state__in=OPEN_STATES,
    )
    return sum(case.short_minor for case in undecided)
