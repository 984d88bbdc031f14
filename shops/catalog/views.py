"""Pages of a shop and of a product, and the door to the seller's area."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from shops.catalog import queries
from shops.facts.refused import NotAllowed

_PER_PAGE = 24


@require_safe
def shop_page(request: HttpRequest, shop: str) -> HttpResponse:
    found = queries.active_shop(slug=shop)
    text = request.GET.get("q", "").strip()[:100]
    page = Paginator(queries.active_products(shop=found, text=text), _PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"shop": found, "page": page, "cards": queries.cards(page), "text": text}
    return render(request, "catalog/shop.html", context)


@require_safe
def product_page(request: HttpRequest, shop: str, handle: str) -> HttpResponse:
    sku = request.GET.get("sku", "")
    shown = queries.product_page(
        shop_slug=shop,
        handle=handle,
        sku_id=int(sku) if sku.isascii() and sku.isdigit() and len(sku) < 19 else None,
    )
    context = {"page": shown, "referral": request.GET.get("ref", "")[:255]}
    return render(request, "catalog/product.html", context)


@require_safe
@login_required
def seller(request: HttpRequest) -> HttpResponse:
    """Show the shops that the user may manage; with just one, go there."""
    shops = list(queries.managed_shops(user=request.user))
    if not shops:
        raise NotAllowed
    if len(shops) == 1:
        return redirect("stock:products", shops[0].slug)
    return render(request, "catalog/seller.html", {"shops": shops})
