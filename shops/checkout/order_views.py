"""One order's pages, for its buyer and its shop.

They stand above the orders room because they show, start and give back payments.
"""

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.catalog.queries import managed_shop
from shops.checkout import services
from shops.checkout.forms import CardForm
from shops.checkout.payment_status import payment_status
from shops.checkout.views import user_of
from shops.facts.refused import Invalid
from shops.orders import queries
from shops.orders.models import Order
from shops.payments import services as payments
from shops.payments.models import RefundState


@login_required
@require_GET
def order(request: HttpRequest, number: str) -> HttpResponse:
    found = _mine(request, number)
    context = {
        "order": found,
        "siblings": queries.siblings(order=found),
        "payment": payment_status(order=found, now=datetime.now(UTC)),
        "card_form": CardForm(),
    }
    return render(request, "orders/order.html", context)


@login_required
@require_GET
def payment(request: HttpRequest, number: str) -> HttpResponse:
    found = _mine(request, number)
    status = payment_status(order=found, now=datetime.now(UTC))
    answer = render(request, "orders/parts/payment.html", {"order": found, "payment": status})
    if not status.is_waiting:
        # The whole page has news then: its history, what can be done.
        answer.headers["HX-Refresh"] = "true"
    return answer


@login_required
@require_POST
def pay(request: HttpRequest, number: str) -> HttpResponse:
    form = CardForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("Choose a card."))
    made = services.retry_payment(
        number=number,
        buyer_id=user_of(request).pk,
        card_token=form.cleaned_data["card_token"],
        now=datetime.now(UTC),
    )
    payments.start(payment_id=made.pk, now=datetime.now(UTC))
    return redirect("checkout:order", number=number)


@login_required
@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    services.cancel_order(number=number, buyer_id=user_of(request).pk, now=datetime.now(UTC))
    messages.success(request, _("The order is cancelled. Nothing was charged."))
    return redirect("checkout:order", number=number)


@login_required
@require_GET
def shop_order(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    found = queries.order_of_shop(number=number, shop_id=shop.pk)
    status = payment_status(order=found, now=datetime.now(UTC))
    context = {"shop": shop, "order": found, "payment": status}
    return render(request, "orders/shop_order.html", context)


@login_required
@require_POST
def refund(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    found = queries.order_of_shop(number=number, shop_id=shop.pk)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise Invalid(_("Tell the buyer why."))
    made = payments.refund_order(
        order_id=found.pk, reason=reason[:200], by=user_of(request), now=datetime.now(UTC)
    )
    if made.state == RefundState.FAILED:
        messages.error(request, _("The provider refused. No money went back to the buyer."))
    else:
        messages.success(request, _("The money is on its way back to the buyer."))
    return redirect("checkout:shop_order", slug=slug, number=number)


def _mine(request: HttpRequest, number: str) -> Order:
    return queries.order_of_buyer(number=number, buyer_id=user_of(request).pk)
