"""The seller's stock: what there is of each SKU, every movement of it, and how it is reserved."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shops.accounts.models import User
from shops.catalog.models import Shop, Sku
from shops.catalog.queries import managed_shop
from shops.facts.refused import Refused
from shops.stock import books, queries, services
from shops.stock.forms import CorrectionForm, DeliveryForm, PolicyForm
from shops.stock.models import Kind, Mode

_SKUS_PER_PAGE = 25
_MOVEMENTS_PER_PAGE = 50


@dataclass(frozen=True)
class Row:
    sku: Sku
    book: books.Book


@require_safe
@login_required
def overview(request: HttpRequest, shop: str) -> HttpResponse:
    managed = managed_shop(user=request.user, slug=shop)
    text = request.GET.get("q", "").strip()[:100]
    found = books.skus_with_stock(shop=managed, text=text)
    page = Paginator(found, _SKUS_PER_PAGE).get_page(request.GET.get("page"))
    read = books.books(sku_ids=[sku.pk for sku in page])
    rows = [Row(sku, read[sku.pk]) for sku in page if sku.pk in read]
    context = {"shop": managed, "page": page, "rows": rows, "text": text}
    return render(request, "stock/overview.html", context)


@require_safe
@login_required
def book(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    managed, sku = _managed(request, shop, sku_id)
    return _book(request, managed, sku)


def _managed(request: HttpRequest, slug: str, sku_id: int) -> tuple[Shop, Sku]:
    shop = managed_shop(user=request.user, slug=slug)
    return shop, queries.sku_of(shop=shop, sku_id=sku_id)


def _book(
    request: HttpRequest, shop: Shop, sku: Sku, *, status: int = 200, **typed_in: Form
) -> HttpResponse:
    """Show a SKU's book; forms that were refused keep what was typed in."""
    kind, text = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:100]
    rows = books.movements(sku_id=sku.pk, kind=kind, text=text)
    read = books.books(sku_ids=[sku.pk])[sku.pk]
    policy = queries.policies_of(product_ids=[sku.product_id])[sku.product_id]
    forms: dict[str, Any] = {
        "delivery": DeliveryForm(),
        "correction": CorrectionForm(
            initial={"seen": read.stock.on_hand, "on_hand": read.stock.on_hand}
        ),
        "policy": PolicyForm(policy=policy),
        **typed_in,
    }
    context = {
        "shop": shop,
        "sku": sku,
        "book": read,
        "page": Paginator(rows, _MOVEMENTS_PER_PAGE).get_page(request.GET.get("page")),
        "kind": kind,
        "text": text,
        "kinds": Kind.choices,
        "waiting": queries.waiting_for(sku_id=sku.pk),
        "opened": next(iter(typed_in), ""),
        **forms,
    }
    return render(request, "stock/book.html", context, status=status)


@require_POST
@login_required
def receive(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    managed, sku = _managed(request, shop, sku_id)
    form = DeliveryForm(request.POST)
    if form.is_valid():
        try:
            services.receive(
                sku_id=sku.pk, now=timezone.now(), actor=_actor(request), **form.cleaned_data
            )
        except Refused as refused:
            form.add_error("quantity", str(refused))
        else:
            messages.success(request, _("The delivery is written down."))
            return redirect("stock:book", managed.slug, sku.pk)
    return _book(request, managed, sku, status=422, delivery=form)


@require_POST
@login_required
def correct(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    managed, sku = _managed(request, shop, sku_id)
    typed = request.POST.copy()
    form = CorrectionForm(typed)
    if form.is_valid():
        try:
            is_changed = services.correct(
                sku_id=sku.pk, now=timezone.now(), actor=_actor(request), **form.cleaned_data
            )
        except services.CountMoved as moved:
            # What is there now is shown, and is what the next try begins from.
            typed[form.add_prefix("seen")] = str(moved.extra["on_hand"])
            form.add_error("on_hand", str(moved))
        except Refused as refused:
            form.add_error("on_hand", str(refused))
        else:
            said = _("The number is corrected.") if is_changed else _("It was right already.")
            messages.success(request, said)
            return redirect("stock:book", managed.slug, sku.pk)
    return _book(request, managed, sku, status=422, correction=form)


@require_POST
@login_required
def undo(request: HttpRequest, shop: str, sku_id: int, movement_id: int) -> HttpResponse:
    managed, sku = _managed(request, shop, sku_id)
    services.undo(movement_id=movement_id, sku_id=sku.pk, actor=_actor(request), now=timezone.now())
    messages.success(request, _("It is undone by a movement that does the opposite."))
    return redirect("stock:book", managed.slug, sku.pk)


@require_POST
@login_required
def policy(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    managed, sku = _managed(request, shop, sku_id)
    before = queries.policies_of(product_ids=[sku.product_id])[sku.product_id]
    form = PolicyForm(request.POST, policy=before)
    if form.is_valid():
        services.set_policy(
            product_id=sku.product_id,
            mode=Mode(form.cleaned_data["mode"]),
            hold_seconds=form.hold_seconds,
            most_per_buyer=form.cleaned_data["most_per_buyer"],
        )
        messages.success(request, _("From now on it is reserved like that."))
        return redirect("stock:book", managed.slug, sku.pk)
    return _book(request, managed, sku, status=422, policy=form)


@require_safe
@login_required
def export(request: HttpRequest, shop: str, sku_id: int) -> HttpResponse:
    _shop, sku = _managed(request, shop, sku_id)
    rows = books.movements(
        sku_id=sku.pk,
        kind=request.GET.get("kind", ""),
        text=request.GET.get("q", "").strip()[:100],
    )
    return HttpResponse(
        books.movements_csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="movements-{sku.pk}.csv"'},
    )


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)
