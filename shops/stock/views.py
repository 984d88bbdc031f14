"""The seller's products: what there is of each, what it costs, and taking it off sale."""

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shops.accounts.models import User
from shops.catalog.models import Product, Shop, Sku
from shops.catalog.queries import managed_shop
from shops.catalog.services import archive_product, restore_product
from shops.facts.refused import NotFound, Refused
from shops.stock import queries, services
from shops.stock.forms import SkuForm
from shops.stock.models import Stock

_PER_PAGE = 25


@dataclass(frozen=True)
class SkuRow:
    sku: Sku
    stock: Stock
    form: SkuForm


@dataclass(frozen=True)
class ProductRow:
    product: Product
    skus: list[SkuRow]


def _rows(page: Page[Product], edited: SkuForm | None = None, sku_id: int = 0) -> list[ProductRow]:
    """Make a row per product; the edited SKU keeps what was typed, and why it was refused."""
    rows = []
    for product in page:
        skus = []
        for sku in product.skus.all():
            stock: Stock = getattr(sku, "stock", None) or Stock(sku=sku)
            form = edited if edited and sku.pk == sku_id else None
            skus.append(SkuRow(sku, stock, form or SkuForm(sku=sku, on_hand=stock.on_hand)))
        rows.append(ProductRow(product, skus))
    return rows


def _table(
    request: HttpRequest, shop: Shop, *, edited: SkuForm | None = None, sku_id: int = 0
) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:100]
    status = request.GET.get("status", "")
    found = queries.products_with_stock(shop=shop, text=text, status=status)
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    archived = request.GET.get("archived", "")
    context = {
        "shop": shop,
        "page": page,
        "rows": _rows(page, edited, sku_id),
        "text": text,
        "status": status,
        "statuses": Product.Status.choices,
        "undo": queries.archived_product(shop=shop, product_id=archived),
    }
    return render(request, "stock/products.html", context, status=422 if edited else 200)


@require_safe
@login_required
def products(request: HttpRequest, shop: str) -> HttpResponse:
    return _table(request, managed_shop(user=request.user, slug=shop))


@require_POST
@login_required
def edit_sku(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    """Save a SKU's units and prices; a mistake is shown in its row with what was typed."""
    managed = managed_shop(user=request.user, slug=shop)
    sku = queries.sku_of(shop=managed, sku_id=sku_id)
    form = SkuForm(request.POST, sku=sku, on_hand=sku.stock.on_hand)
    if form.is_valid():
        try:
            services.edit_sku(
                sku_id=sku.pk,
                on_hand=form.cleaned_data["on_hand"],
                price_minor=form.cleaned_data["price"],
                compare_at_minor=form.cleaned_data["was"],
                now=timezone.now(),
                actor=cast(User, request.user),
                reason=_("Set in the table of products"),
            )
        except Refused as refused:
            form.add_error("on_hand", str(refused))
        else:
            messages.success(request, _("%(sku)s is saved.") % {"sku": sku})
            return _back(request, managed)
    return _table(request, managed, edited=form, sku_id=sku.pk)


@require_POST
@login_required
def archive(request: HttpRequest, shop: str, product_id: int) -> HttpResponse:
    managed = managed_shop(user=request.user, slug=shop)
    if not Product.objects.filter(shop=managed, pk=product_id).exists():
        raise NotFound
    archive_product(product_id=product_id, now=timezone.now())
    return _back(request, managed, archived=product_id)


@require_POST
@login_required
def restore(request: HttpRequest, shop: str, product_id: int) -> HttpResponse:
    managed = managed_shop(user=request.user, slug=shop)
    if not Product.objects.filter(shop=managed, pk=product_id).exists():
        raise NotFound
    if restore_product(product_id=product_id, now=timezone.now()):
        messages.success(request, _("The product is for sale again."))
    return _back(request, managed)


def _back(request: HttpRequest, shop: Shop, *, archived: int | None = None) -> HttpResponse:
    """Return to the same part of the table; after archiving, with a way to undo it."""
    query = request.GET.copy()
    query.pop("archived", None)
    if archived is not None:
        query["archived"] = str(archived)
    address = reverse("stock:products", args=[shop.slug])
    return redirect(f"{address}?{query.urlencode()}" if query else address)
