"""A shop's payouts and a creator's earnings."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from shops.accounts.models import User
from shops.catalog.queries import managed_shop
from shops.payouts import pages, queries
from shops.payouts.terms import shop_owner


def _shop(request: HttpRequest, slug: str) -> pages.Whose:
    shop = managed_shop(user=request.user, slug=slug)
    return pages.Whose(shop_owner(shop.pk), shop.name, "shop_", (shop.slug,), {"shop": shop})


def _creator(request: HttpRequest) -> pages.Whose:
    user = cast(User, request.user)
    return pages.Whose(queries.owner_of_user(user), user.display_name, "my_", (), {})


@login_required
@require_safe
def shop_overview(request: HttpRequest, shop: str) -> HttpResponse:
    return pages.overview(request, _shop(request, shop))


@login_required
@require_safe
def shop_order(request: HttpRequest, shop: str, number: str) -> HttpResponse:
    return pages.order(request, _shop(request, shop), number)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def shop_account(request: HttpRequest, shop: str) -> HttpResponse:
    return pages.account(request, _shop(request, shop))


@login_required
@require_safe
def shop_statement(request: HttpRequest, shop: str, slug: str, extension: str = "") -> HttpResponse:
    return pages.statement(request, _shop(request, shop), slug, extension)


@login_required
@require_safe
def my_overview(request: HttpRequest) -> HttpResponse:
    return pages.overview(request, _creator(request))


@login_required
@require_safe
def my_order(request: HttpRequest, number: str) -> HttpResponse:
    return pages.order(request, _creator(request), number)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_account(request: HttpRequest) -> HttpResponse:
    return pages.account(request, _creator(request))


@login_required
@require_safe
def my_statement(request: HttpRequest, slug: str, extension: str = "") -> HttpResponse:
    return pages.statement(request, _creator(request), slug, extension)
