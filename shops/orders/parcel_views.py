"""A shop's packing: what goes into which parcel, its slip, and how parcels stand."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.catalog.queries import managed_shop
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.facts.refused import Invalid, NotFound, Refused
from shops.orders import carriers, packing, queries, services
from shops.orders import slips as drawing
from shops.orders.forms import ParcelStateForm, ShipForm
from shops.orders.models import Parcel, ParcelState
from shops.orders.packing import Box


@login_required
@require_GET
def packing_page(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    return _packing(request, shop, {})


@login_required
@require_POST
def ship(request: HttpRequest, slug: str) -> HttpResponse:
    """Ship the boxes that were chosen, each for itself: what is refused stays to be mended."""
    shop = managed_shop(slug=slug, user=request.user)
    chosen = packing.boxes_of(shop_id=shop.pk, keys=request.POST.getlist("box"))
    refused: dict[str, ShipForm] = {}
    sent = 0
    for box in chosen:
        form = ShipForm(request.POST, prefix=box.key)
        if form.is_valid():
            try:
                _ship(request, shop, box, form, key=request.POST.get("idempotency_key", ""))
                sent += 1
            except Refused as no:
                form.add_error("tracking_number", str(no))
        if form.errors:
            refused[box.key] = form
    if sent:
        said = ngettext("%(n)s parcel is on its way.", "%(n)s parcels are on their way.", sent)
        messages.success(request, said % {"n": sent})
    if refused:
        return _packing(request, shop, refused, status=422)
    if not chosen:
        messages.info(request, _("Choose the parcels that you have handed to a carrier."))
    return redirect("orders:packing", slug=slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pack(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Ship all or some lines of what travels with one order."""
    shop = managed_shop(slug=slug, user=request.user)
    box = packing.box_of(shop_id=shop.pk, number=number)
    if request.method != "POST":
        return _pack_page(request, shop, number, box, ShipForm(), chosen=box)
    chosen = packing.only(box, {int(pk) for pk in request.POST.getlist("line") if _is_id(pk)})
    form = ShipForm(request.POST)
    if not chosen.lines:
        form.add_error(None, _("Choose what is in the parcel."))
    if form.is_valid():
        try:
            pk = _ship(request, shop, chosen, form, key=request.POST.get("idempotency_key", ""))
        except Refused as no:
            form.add_error("tracking_number", str(no))
        else:
            messages.success(request, _("The parcel is on its way; the buyer knows."))
            return redirect("orders:parcel", slug=slug, pk=pk)
    return _pack_page(request, shop, number, box, form, chosen=chosen, status=422)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def slips(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer the packing slips of boxes (`box`), or of a parcel that was sent, as one PDF."""
    shop = managed_shop(slug=slug, user=request.user)
    asked = request.POST if request.method == "POST" else request.GET
    sent = asked.get("parcel", "")
    if sent:
        parcel_id = int(sent) if _is_id(sent) else 0
        found = packing.parcel_of_shop(shop_id=shop.pk, parcel_id=parcel_id)
        boxes = [packing.box_of_parcel(found)]
    else:
        boxes = packing.boxes_of(shop_id=shop.pk, keys=asked.getlist("box"))
    if not boxes:
        raise Invalid(_("Choose what to print packing slips for."))
    answer = HttpResponse(drawing.packing_slips(boxes), content_type="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="packing-slips.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@login_required
@require_GET
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    state, text = request.GET.get("state", ""), queries.clean(request.GET.get("q", ""))
    found = packing.parcels_of_shop(
        shop_id=shop.pk, state=state if state in ParcelState.values else "", text=text
    )
    context = {
        "shop": shop,
        "page": Paginator(found, queries.PER_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": ParcelState.choices,
        "text": text,
    }
    return render(request, "orders/parcels.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def parcel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    found = packing.parcel_of_shop(shop_id=shop.pk, parcel_id=_known(pk))
    if request.method != "POST":
        return _parcel_page(request, shop, found)
    form = ParcelStateForm(request.POST, parcel=found)
    if not form.is_valid():
        return _parcel_page(request, shop, found, state_form=form, status=422)
    services.move_parcel(
        parcel_id=found.pk,
        shop_id=shop.pk,
        to=ParcelState(form.cleaned_data["state"]),
        reason=form.cleaned_data["note"],
        by=cast(User, request.user),
        now=datetime.now(UTC),
    )
    messages.success(request, _("Noted. The buyer's page shows it."))
    return redirect("orders:parcel", slug=slug, pk=found.pk)


@login_required
@require_POST
def correct(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    found = packing.parcel_of_shop(shop_id=shop.pk, parcel_id=_known(pk))
    form = ShipForm(request.POST)
    if form.is_valid():
        try:
            services.correct_tracking(
                parcel_id=found.pk,
                shop_id=shop.pk,
                carrier=form.cleaned_data["carrier"],
                tracking_number=form.cleaned_data["tracking_number"],
                by=cast(User, request.user),
                now=datetime.now(UTC),
            )
        except services.TrackingUsed as no:
            form.add_error("tracking_number", str(no))
        else:
            messages.success(request, _("The tracking number is mended."))
            return redirect("orders:parcel", slug=slug, pk=found.pk)
    return _parcel_page(request, shop, found, tracking_form=form, status=422)


def _ship(request: HttpRequest, shop: Shop, box: Box, form: ShipForm, *, key: str) -> int:
    """Ship a box, once for each key that a form came with; returns the parcel's key."""
    user = cast(User, request.user)
    line_ids = [line.pk for line in box.lines]
    carrier = form.cleaned_data["carrier"]
    number = form.cleaned_data["tracking_number"]

    def effect() -> Answer:
        made = services.ship(
            shop_id=shop.pk,
            line_ids=line_ids,
            carrier=carrier,
            tracking_number=number,
            by=user,
            now=datetime.now(UTC),
        )
        return Answer(201, {"parcel": made.pk})

    key = request.headers.get(HEADER, "") or key
    if not key:
        return int(effect().body["parcel"])
    # A form ships several boxes under one key; each is a request of its own.
    mark = hashlib.sha256(f"{key}:{box.key}".encode()).hexdigest()
    body = {"lines": line_ids, "carrier": carrier, "number": number}
    return int(with_key(scope=f"ship:{user.pk}", key=mark, body=body, effect=effect).body["parcel"])


def _packing(
    request: HttpRequest, shop: Shop, refused: dict[str, ShipForm], *, status: int = 200
) -> HttpResponse:
    boxes = packing.boxes(shop_id=shop.pk)
    context = {
        "shop": shop,
        "boxes": [
            {
                "box": box,
                "form": refused.get(box.key) or ShipForm(prefix=box.key),
                "is_chosen": box.key in refused,
            }
            for box in boxes
        ],
        "more": packing.to_pack_count(shop_id=shop.pk) - sum(len(box.orders) for box in boxes),
        "idempotency_key": secrets.token_urlsafe(24),
    }
    return render(request, "orders/packing.html", context, status=status)


def _pack_page(
    request: HttpRequest,
    shop: Shop,
    number: str,
    box: Box,
    form: ShipForm,
    *,
    chosen: Box,
    status: int = 200,
) -> HttpResponse:
    context = {
        "shop": shop,
        "number": number,
        "box": box,
        "form": form,
        "chosen": {line.pk for line in chosen.lines},
        "idempotency_key": secrets.token_urlsafe(24),
    }
    return render(request, "orders/pack.html", context, status=status)


def _parcel_page(
    request: HttpRequest,
    shop: Shop,
    found: Parcel,
    *,
    state_form: ParcelStateForm | None = None,
    tracking_form: ShipForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = {"carrier": found.carrier, "tracking_number": found.tracking_number}
    box = packing.box_of_parcel(found)
    context = {
        "shop": shop,
        "parcel": found,
        "box": box,
        "carrier": carriers.name_of(found.carrier),
        "follow": carriers.follow_url(found.carrier, found.tracking_number),
        "state_form": state_form or ParcelStateForm(parcel=found),
        "tracking_form": tracking_form or ShipForm(initial=now, auto_id="mend_%s"),
        "is_mending": tracking_form is not None,
    }
    return render(request, "orders/parcel.html", context, status=status)


def _known(pk: int) -> int:
    if pk >= 2**63:
        raise NotFound
    return pk


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
