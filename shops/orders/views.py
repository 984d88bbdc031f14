"""Lists of orders, for their buyer and for their shop."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from shops.accounts.models import User
from shops.catalog.queries import managed_shop
from shops.orders import queries
from shops.orders.models import OrderState


@login_required
@require_GET
def my_orders(request: HttpRequest) -> HttpResponse:
    orders = queries.orders_of_buyer(buyer_id=cast(User, request.user).pk)
    return render(request, "orders/mine.html", {"orders": orders})


@login_required
@require_GET
def shop_orders(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    state = request.GET.get("state", "")
    context = {
        "shop": shop,
        "orders": queries.orders_of_shop(shop_id=shop.pk, state=state),
        "state": state,
        "states": OrderState.choices,
    }
    return render(request, "orders/of_shop.html", context)
