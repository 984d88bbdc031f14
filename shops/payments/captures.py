"""Captures of our own: an authorised payment is taken, all or a part, or let go."""

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.refused import Invalid, NotAllowed, Refused
from shops.payments import providers
from shops.payments.charges import apply, cancel, read
from shops.payments.models import CapturedShare, Payment, PaymentEvent, PaymentState
from shops.payments.queries import may_manage
from shops.payments.refunds import AmountDiffers

log = logging.getLogger(__name__)


class NotCapturable(Refused):
    code = "not_capturable"
    message = _("Only an authorised payment that is not being captured can be captured.")


class BadShare(Invalid):
    code = "bad_share"
    message = _("Between nothing and its whole price can be taken for each order, and not nothing.")


class CaptureRefused(Refused):
    code = "capture_refused"
    message = _("The provider refused. Nothing was taken.")


def capture(
    *, payment_id: uuid.UUID, by: User, parts: Mapping[int, int] | None = None, now: datetime
) -> Payment:
    """Take an authorised payment, or only `parts` of it: minor units by order id.

    What is not taken is let go at the provider, for good; an order of which nothing is taken is
    cancelled. Without a clear answer the reconciler asks again. Call it outside of a transaction.

    :raises NotFound: no such payment
    :raises NotAllowed: `by` is neither an operator nor of the only shop that is paid with it
    :raises NotCapturable: it is not authorised, or being captured
    :raises BadShare: not between zero and the order's total, or nothing at all
    :raises CaptureRefused: by the provider; it stays authorised
    """
    payment = intend(payment_id=payment_id, by=by, parts=parts, now=now)
    return carry_out(payment, now=now)


def void(*, payment_id: uuid.UUID, by: User, now: datetime) -> Payment:
    """Let an authorised payment go; its orders wait for another one, or expire.

    :raises NotFound, NotAllowed, NotCapturable: as for `capture`
    :raises CaptureRefused: there was no clear answer of the provider's
    """
    payment = read(payment_id)
    _refuse_strangers(payment, by)
    if payment.state != PaymentState.AUTHORIZED or payment.capture_asked_minor is not None:
        raise NotCapturable
    try:
        return cancel(payment, now=now)
    except (providers.NoAnswer, providers.Rejected):
        raise CaptureRefused from None


def carry_out(payment: Payment, *, now: datetime) -> Payment:
    """Ask the provider for a capture that is written down; it may be asked for again and again.

    :raises CaptureRefused: by the provider
    """
    amount = payment.capture_asked_minor
    if amount is None:
        return payment
    provider = providers.provider_of(payment.provider)
    try:
        report = provider.capture(
            key=payment.pk,
            ref=payment.provider_ref,
            amount_minor=amount,
            currency=payment.currency,
        )
        return apply(payment_id=payment.pk, report=report, now=now)
    except providers.Rejected as no:
        log.error("capture of payment %s was rejected: %s", payment.pk, no.code)
        _forget(payment.pk, reason=no.code, now=now)
        raise CaptureRefused from None
    except (providers.NoAnswer, providers.Unheard, AmountDiffers) as error:
        log.warning("capture of payment %s: no clear answer: %r", payment.pk, error)
        return read(payment.pk)


@transaction.atomic
def intend(
    *, payment_id: uuid.UUID, by: User, parts: Mapping[int, int] | None, now: datetime
) -> Payment:
    """Write down that a payment is about to be captured; once committed, call `carry_out`.

    Raises what `capture` does, but for CaptureRefused.
    """
    payment = read(payment_id, lock=True)
    _refuse_strangers(payment, by)
    if payment.state != PaymentState.AUTHORIZED or payment.capture_asked_minor is not None:
        raise NotCapturable
    totals = dict(payment.purchase.orders.values_list("pk", "total_minor"))
    wanted = totals if parts is None else {pk: 0 for pk in totals} | dict(parts)
    if wanted.keys() != totals.keys() or any(not 0 <= wanted[pk] <= totals[pk] for pk in totals):
        raise BadShare
    amount = sum(wanted.values())
    if not amount:
        raise BadShare
    if wanted != totals:
        CapturedShare.objects.bulk_create(
            CapturedShare(payment=payment, order_id=pk, amount_minor=minor)
            for pk, minor in sorted(wanted.items())
        )
    payment.capture_asked_minor = amount
    payment.save(update_fields=["capture_asked_minor"])
    _note(payment, f"capture of {amount} asked for by {by.pk}", now=now)
    return payment


@transaction.atomic
def _forget(payment_id: uuid.UUID, *, reason: str, now: datetime) -> None:
    payment = read(payment_id, lock=True)
    if payment.state != PaymentState.AUTHORIZED:
        return
    payment.shares.all().delete()
    payment.capture_asked_minor = None
    payment.save(update_fields=["capture_asked_minor"])
    _note(payment, f"capture refused: {reason}", now=now)


def _note(payment: Payment, reason: str, *, now: datetime) -> None:
    PaymentEvent.objects.create(
        payment=payment,
        from_state=payment.state,
        to_state=payment.state,
        reason=reason[:200],
        at=now,
    )


def _refuse_strangers(payment: Payment, by: User) -> None:
    if not may_manage(payment=payment, user=by):
        raise NotAllowed
