"""The seller's pages of what is asked besides the price, and what is taken off it."""

from datetime import UTC, datetime
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.catalog.models import Shop, Sku
from shops.catalog.queries import managed_shop
from shops.pricing import queries, services
from shops.pricing.forms import DealForm, MethodForm, VoucherForm
from shops.pricing.models import ShippingMethod
from shops.pricing.services.shipping import BadRates

_MOST_SKUS: Final = 2000


@require_safe
@login_required
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(user=request.user, slug=slug)
    context = {
        "shop": shop,
        "methods": queries.methods_of(shop=shop),
        "deals": queries.recent_deals_of(shop=shop),
        "vouchers": queries.recent_vouchers_of(shop=shop),
        "taxes": queries.taxes_of(country=shop.country),
        "now": datetime.now(UTC),
    }
    return render(request, "pricing/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def method(request: HttpRequest, slug: str, method_id: int | None = None) -> HttpResponse:
    """Add or change a way to send; sending the same form twice sets the same."""
    shop = managed_shop(user=request.user, slug=slug)
    found = queries.method_of(shop=shop, method_id=method_id) if method_id else None
    if request.method != "POST":
        return _method_page(request, shop, found, MethodForm(shop=shop, method=found))
    form = MethodForm(request.POST, shop=shop, method=found)
    if form.is_valid():
        try:
            services.save_method(
                shop=shop,
                method_id=method_id,
                name=form.cleaned_data["name"],
                days_min=form.cleaned_data["days_min"],
                days_max=form.cleaned_data["days_max"],
                is_active=form.cleaned_data["is_active"],
                rates=form.rate_fields,
            )
        except (BadRates, services.TooManyMethods) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved. Offers that were made before stay as they are."))
            return redirect("pricing:overview", slug=slug)
    return _method_page(request, shop, found, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def deal(request: HttpRequest, slug: str, deal_id: int | None = None) -> HttpResponse:
    """Add or change a deal."""
    shop, now = managed_shop(user=request.user, slug=slug), datetime.now(UTC)
    found = queries.deal_of(shop=shop, deal_id=deal_id) if deal_id else None
    skus: list[Sku] = [found.sku] if found else queries.skus_of(shop=shop, limit=_MOST_SKUS)
    data = request.POST if request.method == "POST" else None
    form = DealForm(data, shop=shop, skus=skus, deal=found, now=now)
    if data is not None and form.is_valid():
        try:
            services.save_deal(
                shop=shop,
                deal_id=deal_id,
                sku_id=form.cleaned_data["sku"],
                price_minor=form.cleaned_data["price"],
                starts_at=form.cleaned_data["starts_at"],
                ends_at=form.cleaned_data["ends_at"],
                now=now,
            )
        except services.BadDeal as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The deal is saved."))
            return redirect("pricing:overview", slug=slug)
    title = _("Change the deal") if found else _("A new deal")
    return _form_page(request, shop, form, title)


@require_POST
@login_required
def end_deal(request: HttpRequest, slug: str, deal_id: int) -> HttpResponse:
    shop = managed_shop(user=request.user, slug=slug)
    services.end_deal(shop=shop, deal_id=deal_id, now=datetime.now(UTC))
    messages.success(request, _("The deal is over. Who has an offer at its price keeps it."))
    return redirect("pricing:overview", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def voucher(request: HttpRequest, slug: str, voucher_id: int | None = None) -> HttpResponse:
    """Add or change a voucher."""
    shop, now = managed_shop(user=request.user, slug=slug), datetime.now(UTC)
    found = queries.voucher_of(shop=shop, voucher_id=voucher_id) if voucher_id else None
    data = request.POST if request.method == "POST" else None
    form = VoucherForm(data, shop=shop, voucher=found, now=now)
    if data is not None and form.is_valid():
        try:
            services.save_voucher(shop=shop, voucher_id=voucher_id, fields=form.voucher_fields)
        except services.BadVoucher as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The voucher is saved."))
            return redirect("pricing:overview", slug=slug)
    title = _("Change the voucher") if found else _("A new voucher")
    return _form_page(request, shop, form, title)


@require_POST
@login_required
def end_voucher(request: HttpRequest, slug: str, voucher_id: int) -> HttpResponse:
    shop = managed_shop(user=request.user, slug=slug)
    services.end_voucher(shop=shop, voucher_id=voucher_id, now=datetime.now(UTC))
    messages.success(request, _("The voucher is over. Who has an offer with it keeps it."))
    return redirect("pricing:overview", slug=slug)


def _method_page(
    request: HttpRequest, shop: Shop, found: ShippingMethod | None, form: MethodForm
) -> HttpResponse:
    context = {"shop": shop, "method": found, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "pricing/method.html", context, status=status)


def _form_page(
    request: HttpRequest, shop: Shop, form: DealForm | VoucherForm, title: str
) -> HttpResponse:
    context = {"shop": shop, "form": form, "title": title}
    status = 422 if form.is_bound else 200
    return render(request, "pricing/form.html", context, status=status)
