"""Lists of orders, for their buyer and for their shop, and what a buyer says of one."""

from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.accounts.models import User
from shops.catalog.queries import managed_shop
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.orders import exports, packing, queries, services
from shops.orders.models import OrderState


@login_required
@require_GET
def my_orders(request: HttpRequest) -> HttpResponse:
    show, text = request.GET.get("show", ""), queries.clean(request.GET.get("q", ""))
    found = queries.orders_of_buyer(buyer_id=cast(User, request.user).pk, show=show, text=text)
    context = {
        "page": Paginator(found, queries.PER_PAGE).get_page(request.GET.get("page")),
        "show": show,
        "text": text,
        "filters": [
            ("", _("All")),
            ("to_pay", _("To pay")),
            ("open", _("Coming")),
            ("arrived", _("Arrived")),
            ("over", _("Cancelled")),
        ],
    }
    return render(request, "orders/mine.html", context)


@login_required
@require_POST
def received(request: HttpRequest, number: str) -> HttpResponse:
    buyer = cast(User, request.user)

    def effect() -> Answer:
        services.confirm_receipt(number=number, buyer=buyer, now=datetime.now(UTC))
        return Answer(200, {"number": number})

    key = request.headers.get(HEADER) or request.POST.get("idempotency_key", "")
    if key:
        with_key(scope=f"receive-order:{buyer.pk}", key=key, body={"order": number}, effect=effect)
    else:
        effect()
    messages.success(request, _("Thank you. The shop knows that you have it."))
    return redirect("checkout:order", number=number)


@login_required
@require_GET
def shop_orders(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    state, text = request.GET.get("state", ""), queries.clean(request.GET.get("q", ""))
    found = queries.orders_of_shop(shop_id=shop.pk, state=state, text=text)
    context = {
        "shop": shop,
        "page": Paginator(found, queries.PER_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "text": text,
        "states": OrderState.choices,
        "to_pack": packing.to_pack_count(shop_id=shop.pk),
    }
    return render(request, "orders/of_shop.html", context)


@login_required
@require_GET
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer the orders that the list shows, with all of its pages, as CSV."""
    shop = managed_shop(slug=slug, user=request.user)
    found = queries.orders_of_shop(
        shop_id=shop.pk,
        state=request.GET.get("state", ""),
        text=queries.clean(request.GET.get("q", "")),
    )
    answer = HttpResponse(
        "".join(exports.orders_csv(found)), content_type="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="orders-{shop.slug}.csv"'
    return answer
