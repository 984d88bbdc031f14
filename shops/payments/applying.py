"""What providers report of charges, applied many together when many come at once.

The button's answer, the webhook and the reconciler end here. What is plain goes by a handful of
statements for all of it: payments that fail or wait, and captures of orders that wait for them.
What takes locks in an order of its own (units that are taken at payment, orders that come back to
life, more time for a purchase, captures of a part) goes alone, in a transaction of its own.

Locks are taken in this order: payments by id, then their purchases by id.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import OperationalError, transaction
from django.utils.translation import gettext
from psycopg.errors import LockNotAvailable

from shops.facts import batching
from shops.facts.batching import Batcher, Heat
from shops.facts.publishing import Fact, publish_all, publish_behind
from shops.facts.refused import NotFound, Refused
from shops.facts.rows import ask_each
from shops.facts.transactions import whole
from shops.orders import services as orders
from shops.payments import statements
from shops.payments.events import PaymentCaptured, PaymentFailed
from shops.payments.models import PAYMENT_TRANSITIONS, Payment, PaymentState
from shops.payments.queries import shares
from shops.payments.refunds import AmountDiffers, give_back_late
from shops.payments.statements import Message, Moved
from shops.payments.wire import ChargeReport

log = logging.getLogger(__name__)

# How much longer an order waits, once, when the provider does not say how its payment ended.
MORE_TIME: Final = timedelta(minutes=10)


class Known(Refused):
    """The message that this was read from was taken in before; nothing is done about it again."""

    code = "message_known"


class Ask(NamedTuple):
    """Where a payment is to be moved, and who says so.

    :param report: what the provider says, if it was heard
    :param provider: who says so, if not the one that was asked
    :param message: written down in the same transaction; that it was makes a second one `Known`
    """

    payment_id: uuid.UUID
    to: PaymentState
    now: datetime
    ref: str = ""
    failure_code: str = ""
    reason: str = ""
    report: ChargeReport | None = None
    provider: str = ""
    message: Message | None = None


Answer = Payment | Refused


def ask_of(
    report: ChargeReport,
    *,
    payment_id: uuid.UUID,
    provider: str = "",
    message: Message | None = None,
    now: datetime,
) -> Ask:
    """Ask for what a provider reports."""
    return Ask(
        payment_id,
        report.payment_state,
        now,
        ref=report.ref,
        failure_code=report.failure_code,
        report=report,
        provider=provider,
        message=message,
    )


def move(ask: Ask) -> Payment:
    """Move a payment on the quickest way: by itself, or with many others of this moment.

    What is known already, or came too late, changes nothing.

    :raises NotFound: no such payment, or it is another provider's
    :raises AmountDiffers: another amount or currency was captured than what was asked for
    :raises Known: see `Ask.message`
    :raises Busy, Unavailable: of `batching`; it may be asked for again
    """
    return batching.together(ask, batcher=batcher, heat=heat, keys=("reports",), alone=_alone)


def take(asks: Sequence[Ask], then: Callable[[Sequence[Answer]], None]) -> None:
    """Move many payments; `then` is told how each stands once all of it is committed."""
    answers: list[Answer | None] = []

    def tell() -> None:
        done = [answer for answer in answers if answer is not None]
        if len(done) == len(asks):
            then(done)

    @whole
    def move_all() -> None:
        # First of all that follows the commit: who asked need not wait for what browsers are told.
        transaction.on_commit(tell)
        answers.extend(_move_all(asks))

    move_all()
    left = [number for number, answer in enumerate(answers) if answer is None]
    for number in left:
        try:
            answers[number] = _alone(asks[number])
        except Refused as refused:
            answers[number] = refused
        except OperationalError as error:
            # The others are committed: they hear that, whatever this one waits for.
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            answers[number] = batching.Busy()
    if left:
        tell()


@whole
def _alone(ask: Ask) -> Payment:
    [answer] = _move_all([ask])
    # Who is alone is not left for later.
    if isinstance(answer, Payment):
        return answer
    raise answer or NotFound


batcher: Batcher[Ask, Payment] = Batcher(take, name="payment-batcher")
heat = Heat()


# --- A transaction ----------------------------------------------------------------------------


def _move_all(asks: Sequence[Ask]) -> list[Answer | None]:
    """Move payments in this transaction; None for what has to go alone, and was not touched."""
    payments = statements.lock({ask.payment_id for ask in asks})
    is_alone = len(asks) == 1
    answers: list[Answer | None] = [None] * len(asks)
    steps: dict[int, Moved | None] = {}
    seen = set[object]()
    for number, ask in enumerate(asks):
        # A second one about a payment comes after the first; a second message is known then.
        about = {ask.payment_id, ask.message and ask.message[:2]} - {None}
        if not seen.isdisjoint(about):
            continue
        seen |= about
        try:
            moved = _judge(payments.get(ask.payment_id), ask)
        except Refused as refused:
            answers[number] = refused
            continue
        if is_alone or moved is None or _is_plain(moved.payment):
            steps[number] = moved
    unpaid, closed = _lock_orders(steps, asks)
    if not is_alone:
        steps = {
            number: moved
            for number, moved in steps.items()
            if moved is None or moved.payment.purchase_id not in closed
        }
    moves = [moved for moved in steps.values() if moved is not None]
    if is_alone:
        _wait_longer(moves)
    messages = [ask.message for number, ask in enumerate(asks) if number in steps and ask.message]
    fresh = _write(moves, messages, unpaid, closed)
    for number in steps:
        ask = asks[number]
        # A known message has changed nothing above: no state is ever come back to.
        is_known = ask.message is not None and ask.message[:2] not in fresh
        answers[number] = Known() if is_known else payments[ask.payment_id]
    return answers


def _write(
    moves: Sequence[Moved],
    messages: Sequence[Message],
    unpaid: Sequence[orders.Unpaid],
    closed: Mapping[uuid.UUID, orders.PurchaseClosed],
) -> set[tuple[str, str]]:
    """Write what became of payments and orders, and what follows on that, in a trip.

    Returns the messages that were not known, by provider and id.
    """
    asked = statements.write(moves, messages=messages)
    if not asked:
        return set()
    facts: list[Fact] = []
    later: list[Fact] = []
    paying = None
    if unpaid:
        at = max(moved.at for moved in moves if moved.payment.state == PaymentState.CAPTURED)
        paying = orders.pay(unpaid, now=at)
        asked.insert(0, paying.asked)
        facts += paying.facts
    is_more_left = any(
        moved.payment.purchase_id in closed or not _is_plain(moved.payment) for moved in moves
    )
    (later if is_more_left else facts).extend(fact for moved in moves for fact in _facts(moved))
    rows = publish_behind(asked, facts) if facts else ask_each(asked)
    if paying is not None:
        paying.check(rows[0])
    if is_more_left:
        _finish(moves, closed)
        publish_all(later)
    return {(provider, name) for provider, name in rows[-1]} if messages else set()


def _judge(payment: Payment | None, ask: Ask) -> Moved | None:
    """Move a locked payment as it stands in memory; None when nothing changes.

    :raises NotFound, AmountDiffers: see `move`
    """
    if payment is None or (ask.provider and ask.provider != payment.provider):
        raise NotFound
    before, to = PaymentState(payment.state), ask.to
    if ask.report is not None and to in (PaymentState.CAPTURED, PaymentState.AUTHORIZED):
        _check(payment, ask.report, to)
    if to == PaymentState.CANCELLED and payment.provider_ref and not ask.ref:
        return None  # it got a name meanwhile: that one has to be cancelled
    if to not in PAYMENT_TRANSITIONS[before]:
        if to == PaymentState.CAPTURED and before in (PaymentState.FAILED, PaymentState.CANCELLED):
            log.error("payment %s is %s, and the provider says captured", payment.pk, before)
        return None
    payment.state = to
    payment.provider_ref = ask.ref or payment.provider_ref
    payment.failure_code = ask.failure_code[:60]
    payment.action_url = ask.report.action_url if ask.report else ""
    if to == PaymentState.CAPTURED:
        payment.captured_at = ask.now
        payment.captured_minor = ask.report.taken_minor if ask.report else payment.amount_minor
    return Moved(payment, before, ask.reason or ask.failure_code, ask.now)


def _check(payment: Payment, report: ChargeReport, to: PaymentState) -> None:
    asked = (payment.amount_minor, payment.currency)
    if (report.amount_minor, report.currency) != asked:
        raise AmountDiffers
    if to == PaymentState.CAPTURED:
        least = 1 if payment.is_manual else payment.amount_minor
        if not least <= report.taken_minor <= payment.amount_minor:
            raise AmountDiffers


def _is_plain(payment: Payment) -> bool:
    """Tell whether a moved payment can go with others; of captures, their purchases decide, too."""
    if payment.state == PaymentState.CAPTURED:
        return payment.captured_minor == payment.amount_minor
    return payment.state != PaymentState.UNKNOWN


def _lock_orders(
    steps: Mapping[int, Moved | None], asks: Sequence[Ask]
) -> tuple[Sequence[orders.Unpaid], Mapping[uuid.UUID, orders.PurchaseClosed]]:
    """Take the locks of what was captured: the purchases to be marked paid, and who can't be."""
    paid = {
        moved.payment.purchase_id: asks[number].now
        for number, moved in steps.items()
        if moved is not None and moved.payment.state == PaymentState.CAPTURED
    }
    if not paid:
        return [], {}
    return orders.lock_unpaid(purchase_ids=list(paid), now=max(paid.values()))


def _facts(moved: Moved) -> Iterator[Fact]:
    payment = moved.payment
    about = {"payment_id": str(payment.pk), "purchase_id": str(payment.purchase_id)}
    if payment.state == PaymentState.CAPTURED:
        amount = payment.captured_minor
        yield PaymentCaptured(**about, amount_minor=amount, currency=payment.currency)
    elif payment.state in (PaymentState.FAILED, PaymentState.CANCELLED):
        yield PaymentFailed(**about, code=payment.failure_code or payment.state)


# --- What goes alone --------------------------------------------------------------------------


def _wait_longer(moves: Sequence[Moved]) -> None:
    """Give the purchase more time, once, however many of its payments stay without an answer."""
    for payment, _before, _reason, now in moves:
        if payment.state != PaymentState.UNKNOWN:
            continue
        of_purchase = Payment.objects.filter(purchase_id=payment.purchase_id)
        if not of_purchase.filter(extended_at__isnull=False).exists():
            payment.extended_at = now
            orders.give_more_time(purchase_id=payment.purchase_id, until=now + MORE_TIME)


def _finish(moves: Sequence[Moved], closed: Mapping[uuid.UUID, orders.PurchaseClosed]) -> None:
    """Do what is left of captures: for orders that were closed, and of less than was asked for."""
    for payment, _before, _reason, now in moves:
        if payment.state != PaymentState.CAPTURED:
            continue
        try:
            if why := closed.get(payment.purchase_id):
                _revive(payment, why, now=now)
            _give_back_untaken(payment, now=now)
        except orders.PurchaseClosed as why:
            if isinstance(why, orders.SoldOut):
                orders.close_unpaid(purchase_id=payment.purchase_id, reason=str(why), now=now)
            give_back_late(payment, now=now)


def _revive(payment: Payment, why: orders.PurchaseClosed, *, now: datetime) -> None:
    """Bring expired orders back to life and have them paid, or change nothing.

    :raises PurchaseClosed: they were not paid
    """
    if isinstance(why, orders.SoldOut):
        raise why
    with transaction.atomic():
        orders.reopen(purchase_id=payment.purchase_id, now=now)
        orders.mark_paid(purchase_id=payment.purchase_id, now=now)


def _give_back_untaken(payment: Payment, *, now: datetime) -> None:
    """Note what was never taken of orders as given back."""
    if payment.captured_minor == payment.amount_minor:
        return
    said = gettext("Only a part was charged; the rest was never taken from the card.")
    for order, share_minor in shares(payment):
        if share_minor < order.total_minor:
            left = order.total_minor - share_minor
            orders.record_refund(order_id=order.pk, amount_minor=left, now=now)
            orders.note(order_id=order.pk, text=said, now=now)
