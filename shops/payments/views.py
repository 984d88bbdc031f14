"""A payment's page for its sellers and operators, and the buyer's way back from their bank."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.accounts.models import User
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.facts.refused import NotFound
from shops.ledger.money import Money, parse_minor
from shops.orders.queries import first_number
from shops.payments import queries, services
from shops.payments.captures import carry_out, intend
from shops.payments.models import Payment, PaymentState


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


@login_required
@require_GET
def payment(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    shown = queries.shown_payment(payment_id=payment_id, user=_user(request))
    context = {"shown": shown, "payment": shown.payment, "key": secrets.token_urlsafe(24)}
    return render(request, "payments/payment.html", context)


@require_GET
def back(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """Take in a buyer who comes back from their bank or from the provider's page.

    What the address says is not believed: the provider is asked. Nothing is shown here, so whoever
    opens this only learns where to sign in.
    """
    found = services.ask_after(payment_id=payment_id, now=datetime.now(UTC))
    return redirect("checkout:order", number=first_number(purchase_id=found.purchase_id))


@login_required
@require_POST
def abandon(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    found = _of_buyer(request, payment_id)

    def effect() -> Answer:
        state = Payment.objects.select_for_update().get(pk=found.pk).state
        if state not in (PaymentState.REQUIRES_ACTION, PaymentState.CANCELLED):
            raise services.NotAbandonable
        return Answer(200, {"payment": str(found.pk)})

    _once(request, f"abandon-payment:{found.pk}", {}, effect)
    after = services.abandon(payment_id=found.pk, now=datetime.now(UTC))
    if after.state == PaymentState.CAPTURED:
        messages.info(request, _("Your bank had confirmed it already: the order is paid."))
    return redirect("checkout:order", number=first_number(purchase_id=found.purchase_id))


@login_required
@require_POST
def capture(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    shown = queries.shown_payment(payment_id=payment_id, user=_user(request))
    try:
        parts = {
            order.pk: parse_minor(request.POST.get(f"order-{order.pk}", ""), order.currency)
            for order in shown.orders
        }
    except ValueError:
        raise services.BadShare from None
    now = datetime.now(UTC)

    def effect() -> Answer:
        intend(payment_id=payment_id, by=_user(request), parts=parts, now=now)
        return Answer(200, {"payment": str(payment_id)})

    scope = f"capture-payment:{payment_id}"
    _once(request, scope, {str(pk): minor for pk, minor in parts.items()}, effect)
    after = carry_out(Payment.objects.get(pk=payment_id), now=now)
    if after.state == PaymentState.CAPTURED:
        taken = Money(after.captured_minor, after.currency)
        messages.success(request, _("%(amount)s was captured.") % {"amount": taken})
    else:
        messages.info(request, _("The provider has not answered yet; it is asked again."))
    return redirect("payments:payment", payment_id=payment_id)


@login_required
@require_POST
def void(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    found = queries.shown_payment(payment_id=payment_id, user=_user(request)).payment

    def effect() -> Answer:
        return Answer(200, {"payment": str(found.pk)})

    if not _once(request, f"void-payment:{found.pk}", {}, effect).is_replay:
        services.void(payment_id=found.pk, by=_user(request), now=datetime.now(UTC))
        messages.success(request, _("The authorisation was let go. Nothing was charged."))
    return redirect("payments:payment", payment_id=payment_id)


def _of_buyer(request: HttpRequest, payment_id: uuid.UUID) -> Payment:
    found = Payment.objects.select_related("purchase").filter(
        pk=payment_id, purchase__buyer=_user(request)
    )
    payment = found.first()
    if payment is None:
        raise NotFound
    return payment


def _once(
    request: HttpRequest, scope: str, body: dict[str, int], effect: Callable[[], Answer]
) -> Answer:
    key = request.headers.get(HEADER) or request.POST.get("idempotency_key", "")
    return with_key(scope=f"{scope}:{_user(request).pk}", key=key, body=body, effect=effect)
