"""Pages of a shop's outgoing webhooks: who is told of what, and what was delivered."""

from uuid import UUID

from django.contrib import messages as flashes
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.catalog.models import Shop
from shops.catalog.queries import managed_shop
from shops.facts.refused import Refused
from shops.webhooks import queries
from shops.webhooks.forms import EndpointForm
from shops.webhooks.models import Endpoint, MessageState
from shops.webhooks.services import endpoints, messages

_PER_PAGE = 50


@login_required
@require_safe
def overview(request: HttpRequest, shop: str) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    context = {"shop": owner, "endpoints": queries.endpoints_of(shop=owner)}
    return render(request, "webhooks/endpoints.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, shop: str) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.make_endpoint(shop=owner, now=timezone.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error("url", str(refused))
        else:
            flashes.success(request, _("Your server is told from now on."))
            return redirect("webhooks:endpoint", shop, made.pk)
    return _form_page(request, owner, form, None)


@login_required
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    endpoint = queries.endpoint_of(endpoint_id=endpoint_id, shop=owner)
    form = EndpointForm(request.POST) if request.method == "POST" else EndpointForm.of(endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change_endpoint(endpoint_id=endpoint_id, shop=owner, **form.cleaned_data)
        except Refused as refused:
            form.add_error("url", str(refused))
        else:
            flashes.success(request, _("Saved."))
            return redirect("webhooks:endpoint", shop, endpoint_id)
    return _form_page(request, owner, form, endpoint)


@login_required
@require_safe
def endpoint(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    """Show an endpoint with its log; the secret only when it is asked for."""
    owner = managed_shop(user=request.user, slug=shop)
    found = queries.endpoint_of(endpoint_id=endpoint_id, shop=owner)
    rows = queries.messages_of(endpoint=found)
    state = request.GET.get("state", "")
    if state in MessageState.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "shop": owner,
        "endpoint": found,
        "page": page,
        "state": state,
        "states": MessageState.choices,
        "has_old_secret": found.old_secret_until and found.old_secret_until > timezone.now(),
    }
    return render(request, "webhooks/endpoint.html", context)


@login_required
@require_safe
def message(request: HttpRequest, shop: str, message_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    found = queries.message_of(message_id=message_id, shop=owner)
    context = {
        "shop": owner,
        "message": found,
        "endpoint": found.endpoint,
        "attempts": queries.attempts_of(message=found),
    }
    return render(request, "webhooks/message.html", context)


@login_required
@require_POST
def replay(request: HttpRequest, shop: str, message_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    messages.replay(message_id=message_id, shop=owner, now=timezone.now())
    flashes.success(request, _("It is sent again, as the same message."))
    return redirect("webhooks:message", shop, message_id)


@login_required
@require_POST
def test(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    made = messages.send_test(endpoint_id=endpoint_id, shop=owner, now=timezone.now())
    flashes.success(request, _("A test is on its way."))
    return redirect("webhooks:message", shop, made.pk)


@login_required
@require_POST
def rotate(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    endpoints.rotate_secret(endpoint_id=endpoint_id, shop=owner, now=timezone.now())
    flashes.success(request, _("This is the new secret. For a day, the old one signs, too."))
    return redirect("webhooks:endpoint", shop, endpoint_id)


@login_required
@require_POST
def switch(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    owner = managed_shop(user=request.user, slug=shop)
    if request.POST.get("to") == "on":
        endpoints.enable(endpoint_id=endpoint_id, shop=owner)
        flashes.success(request, _("Your server is told again. What it missed, you can replay."))
    else:
        endpoints.disable(endpoint_id=endpoint_id, shop=owner, now=timezone.now())
        flashes.info(request, _("Nothing is sent there any more."))
    return redirect("webhooks:endpoint", shop, endpoint_id)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, shop: str, endpoint_id: UUID) -> HttpResponse:
    """Ask on GET, for those without JavaScript; delete on POST."""
    owner = managed_shop(user=request.user, slug=shop)
    found = queries.endpoint_of(endpoint_id=endpoint_id, shop=owner)
    if request.method == "POST":
        endpoints.delete_endpoint(endpoint_id=endpoint_id, shop=owner)
        flashes.success(request, _("The webhook and its log are deleted."))
        return redirect("webhooks:endpoints", shop)
    return render(request, "webhooks/endpoint_delete.html", {"shop": owner, "endpoint": found})


def _form_page(
    request: HttpRequest, shop: Shop, form: EndpointForm, endpoint: Endpoint | None
) -> HttpResponse:
    context = {"shop": shop, "form": form, "endpoint": endpoint}
    status = 400 if form.errors else 200
    return render(request, "webhooks/endpoint_form.html", context, status=status)
