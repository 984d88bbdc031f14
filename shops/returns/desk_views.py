"""The operators' dispute desk: what waits for them, both sides of it, and their last word."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.catalog.queries import is_operator
from shops.facts.refused import NotAllowed
from shops.payments.queries import last_payment_of, refunds_of
from shops.returns import disputes, queries, refunds
from shops.returns.doors import amount, now, once, user_of
from shops.returns.models import Return
from shops.returns.possible import possible
from shops.returns.states import Side


def _for_operators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_operator(user=request.user):
            raise NotAllowed
        return view(request, *args, **kwargs)

    return guarded


@require_GET
@_for_operators
def desk(request: HttpRequest) -> HttpResponse:
    are_open = request.GET.get("show", "") != "over"
    context = {
        "disputes": queries.disputes(are_open=are_open),
        "are_open": are_open,
        "failed": queries.failed_refunds(),
        "now": now(),
    }
    return render(request, "returns/desk.html", context)


@require_GET
@_for_operators
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = queries.case_of_desk(case_id=case_id)
    order = found.order
    payment = last_payment_of(order.purchase_id)
    context = {
        "case": found,
        "order": order,
        "order_events": order.events.order_by("at", "pk"),
        "payment": payment,
        "payment_events": payment.events.order_by("at", "pk") if payment else [],
        "order_refunds": refunds_of(order.pk).order_by("created_at"),
        "can": possible(found, now=now()),
        "side": Side.OPERATOR,
    }
    return render(request, "returns/desk_case.html", context)


@require_POST
@_for_operators
def say(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = queries.case_of_desk(case_id=case_id)

    def effect() -> Return:
        disputes.say(
            case_id=found.pk,
            side=Side.OPERATOR,
            text=request.POST.get("text", ""),
            by=user_of(request),
            now=now(),
        )
        return found

    return once(request, scope=f"return-ask:{case_id}", effect=effect, page=_page)


@require_POST
@_for_operators
def decide(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = queries.case_of_desk(case_id=case_id)
    is_refund = request.POST.get("decision", "") == "refund"
    minor = amount(request, found.currency) if is_refund else 0

    def effect() -> Return:
        disputes.decide(
            case_id=found.pk,
            amount_minor=minor,
            reason=request.POST.get("reason", ""),
            by=user_of(request),
            now=now(),
        )
        return found

    return once(
        request,
        scope=f"return-decide:{case_id}",
        effect=effect,
        page=_page,
        said=_("Decided. Both sides are told."),
    )


@require_POST
@_for_operators
def try_again(request: HttpRequest, case_id: UUID, refund_id: int) -> HttpResponse:
    found = queries.case_of_desk(case_id=case_id)

    def effect() -> Return:
        refunds.try_again(case_id=found.pk, refund_id=refund_id, by=user_of(request), now=now())
        return found

    return once(
        request,
        scope=f"return-again:{refund_id}",
        effect=effect,
        page=_page,
        said=_("The provider is asked again."),
    )


def _page(case: Return) -> str:
    return reverse("returns:desk_case", args=[case.pk])
