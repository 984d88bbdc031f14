"""Checking out without an account, and an order's page for who has its link."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.checkout import queries, services
from shops.checkout.forms import GuestForm
from shops.checkout.owner import owner_of
from shops.checkout.views import chosen_country, client_of
from shops.facts.refused import NotFound
from shops.facts.throttle import TooMany, take_turn
from shops.orders.links import order_by_token

_MAILS_PER_ADDRESS: Final = 3
_MAILS_PER_CLIENT: Final = 20
_WITHIN: Final = timedelta(hours=1)
_SENT_TO: Final = "guest_email"


@require_http_methods(["GET", "HEAD", "POST"])
def guest(request: HttpRequest) -> HttpResponse:
    """Ask where to and by which e-mail address; answer the same whoever it belongs to."""
    if request.user.is_authenticated:
        return redirect("checkout:checkout")
    owner, now = owner_of(request), datetime.now(UTC)
    cart = queries.shown_cart(owner=owner, country=chosen_country(request), now=now)
    if not cart.lines:
        return redirect("checkout:cart")
    if request.method != "POST":
        return _form(request, GuestForm(initial={"country": cart.country}))
    form = GuestForm(request.POST)
    if not form.is_valid():
        return _form(request, form, status=422)
    email = form.cleaned_data["email"]
    try:
        _take_turns(request, email)
    except TooMany as refused:
        form.add_error(None, str(refused))
        return _form(request, form, status=refused.status)
    services.ask_guest_link(
        email=email, cart_token=owner.token, address=form.address_fields, now=now
    )
    request.session[_SENT_TO] = email
    return redirect("checkout:guest_sent")


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    email = request.session.get(_SENT_TO)
    if not email:
        return redirect("checkout:cart")
    return render(request, "checkout/guest_sent.html", {"email": email})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Go on with a mailed link. It is used up by the button, not by a mail system that looks."""
    now = datetime.now(UTC)
    try:
        if request.method != "POST":
            link = services.link_by(token=token, now=now)
            return render(request, "checkout/guest_link.html", {"email": link.email})
        cart = owner_of(request).token
        user, link = services.use_guest_link(token=token, cart_token=cart, now=now)
    except services.HasAccount as refused:
        messages.info(request, str(refused))
        return redirect(f"{reverse('account_login')}?next={reverse('checkout:checkout')}")
    except services.GuestLinkOver as refused:
        messages.error(request, str(refused))
        if request.user.is_authenticated:
            return redirect("checkout:checkout")
        return redirect("checkout:guest")
    user.backend = settings.AUTHENTICATION_BACKENDS[0]
    import_string(settings.ACCOUNT_ADAPTER)(request).login(request, user)
    if link.cart_token:
        services.merge_carts(token=link.cart_token, user_id=user.pk, now=now)
    is_ours = url_has_allowed_host_and_scheme(link.next_path, allowed_hosts=None)
    return redirect(link.next_path if link.next_path and is_ours else "checkout:checkout")


@never_cache
@require_safe
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Show an order to who has the link from its mails; its buyer gets the whole page."""
    found = order_by_token(token)
    if found is None:
        raise NotFound
    if request.user.pk == found.buyer_id:
        return redirect("checkout:order", number=found.number)
    return render(request, "checkout/guest_order.html", {"order": found, "token": token})


@require_POST
def order_link(request: HttpRequest, token: str) -> HttpResponse:
    """Mail the buyer of an order a link that lets them do more than look."""
    found = order_by_token(token)
    if found is None:
        raise NotFound
    email = found.buyer.email
    try:
        _take_turns(request, email)
    except TooMany as refused:
        messages.error(request, str(refused))
        return redirect("checkout:order_by_link", token=token)
    services.ask_guest_link(
        email=email,
        cart_token=None,
        next_path=f"/orders/{found.number}/",
        now=datetime.now(UTC),
    )
    messages.success(request, _("We have mailed you a link that lets you in."))
    return redirect("checkout:order_by_link", token=token)


def _take_turns(request: HttpRequest, email: str) -> None:
    """Count a mail for its address and for where it was asked for.

    :raises TooMany: there were enough of one of them
    """
    mark = hashlib.sha256(email.lower().encode()).hexdigest()
    take_turn(f"guest-mail:{mark}", most=_MAILS_PER_ADDRESS, within=_WITHIN)
    take_turn(f"guest-client:{client_of(request)}", most=_MAILS_PER_CLIENT, within=_WITHIN)


def _form(request: HttpRequest, form: GuestForm, status: int = 200) -> HttpResponse:
    wrong = [field for field in form if field.errors]
    if wrong:
        wrong[0].field.widget.attrs["autofocus"] = True
    return render(request, "checkout/guest.html", {"form": form, "wrong": wrong}, status=status)
