"""The shop's pages: its returns, and what it decides about one."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.catalog.queries import managed_shop
from shops.returns import deciding, disputes, queries
from shops.returns.doors import amount, now, numbers, once, pictures_of, user_of
from shops.returns.models import Return
from shops.returns.photos import MOST_PHOTOS
from shops.returns.possible import possible
from shops.returns.states import ReturnState, Side


@login_required
@require_GET
def cases(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    state = request.GET.get("state", "")
    context = {
        "shop": shop,
        "cases": queries.returns_of_shop(shop_id=shop.pk, state=state),
        "state": state,
        "states": ReturnState.choices,
    }
    return render(request, "returns/of_shop.html", context)


@login_required
@require_GET
def case(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)
    context = {
        "shop": found.order.shop,
        "case": found,
        "can": possible(found, now=now()),
        "side": Side.SHOP,
        "most_photos": MOST_PHOTOS,
    }
    return render(request, "returns/shop_case.html", context)


@login_required
@require_POST
def approve(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)

    def effect() -> None:
        deciding.approve(case_id=found.pk, by=user_of(request), now=now())

    return _do(request, found, "approve", effect, said=_("Approved. The buyer is told."))


@login_required
@require_POST
def reject(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)
    reason = request.POST.get("reason", "")

    def effect() -> None:
        deciding.reject(case_id=found.pk, reason=reason, by=user_of(request), now=now())

    return _do(request, found, "reject", effect, said=_("Rejected. The buyer reads why."))


@login_required
@require_POST
def receive(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)
    restocked, written_off = numbers(request, "restocked"), numbers(request, "written_off")
    arrived = {
        line_id: deciding.Arrived(
            restocked=restocked.get(line_id, 0), written_off=written_off.get(line_id, 0)
        )
        for line_id in restocked.keys() | written_off.keys()
    }

    def effect() -> None:
        deciding.receive(case_id=found.pk, arrived=arrived, by=user_of(request), now=now())

    return _do(request, found, "receive", effect, said=_("Noted. Now say what goes back."))


@login_required
@require_POST
def refund(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)
    minor = amount(request, found.currency)
    reason = request.POST.get("reason", "")

    def effect() -> None:
        deciding.refund(
            case_id=found.pk, amount_minor=minor, reason=reason, by=user_of(request), now=now()
        )

    return _do(request, found, "refund", effect, said=_("Decided. The buyer is told."))


@login_required
@require_POST
def answer(request: HttpRequest, slug: str, case_id: UUID) -> HttpResponse:
    found = _of_shop(request, slug, case_id)
    pictures = pictures_of(request)

    def effect() -> Return:
        disputes.say(
            case_id=found.pk,
            side=Side.SHOP,
            text=request.POST.get("text", ""),
            photos=pictures,
            by=user_of(request),
            now=now(),
        )
        return found

    return once(
        request, scope=f"return-answer:{case_id}", effect=effect, pictures=pictures, page=_page
    )


def _of_shop(request: HttpRequest, slug: str, case_id: UUID) -> Return:
    shop = managed_shop(slug=slug, user=request.user)
    return queries.case_of_shop(case_id=case_id, shop_id=shop.pk)


def _page(case: Return) -> str:
    return reverse("returns:shop_case", args=[case.order.shop.slug, case.pk])


def _do(
    request: HttpRequest, case: Return, action: str, effect: Callable[[], None], *, said: str
) -> HttpResponse:
    def done() -> Return:
        effect()
        return case

    return once(request, scope=f"return-{action}:{case.pk}", effect=done, page=_page, said=said)
