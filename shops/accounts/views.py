"""The account pages: profile, addresses, sign-out."""

from typing import Any, cast

from allauth.account.views import LogoutView as AllauthLogoutView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.accounts import queries, services
from shops.accounts.forms import AddressForm, ProfileForm
from shops.accounts.models import User


class LogoutView(AllauthLogoutView):  # type: ignore[misc]  # allauth has no types
    """Sign out as allauth does, and tell it, so that the session's open sockets are closed."""

    def logout(self) -> None:
        user_id = self.request.user.pk
        session_key = self.request.session.session_key
        # One transaction: nothing is told unless the session is gone.
        with transaction.atomic():
            super().logout()
            if user_id is not None and session_key:
                services.record_sign_out(user_id=user_id, session_key=session_key)


logout = LogoutView.as_view()


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


@login_required
@require_http_methods(["GET", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    # A second instance: an invalid form must not change the user that the page's header shows.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(user=user, now=timezone.now(), **form.cleaned_data)
        except services.ImpossibleBirthDate as refused:
            form.add_error("birth_date", str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:overview")
    return render(
        request,
        "accounts/overview.html",
        {"form": form, "roles": [role.label for role in queries.roles_of(user)]},
        status=400 if form.errors else 200,
    )


@login_required
@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    shown = queries.addresses_of(_user(request))
    return render(request, "accounts/addresses.html", {"addresses": shown})


@login_required
@require_http_methods(["GET", "POST"])
def add_address(request: HttpRequest) -> HttpResponse:
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.add_address(
            user=_user(request),
            fields=form.address_fields,
            as_default=form.cleaned_data["is_default"],
            now=timezone.now(),
        )
        messages.success(request, _("The address is saved."))
        return redirect(_next(request))
    return _address_page(request, form, title=_("New address"))


@login_required
@require_http_methods(["GET", "POST"])
def change_address(request: HttpRequest, address_id: int) -> HttpResponse:
    address = queries.address_of(_user(request), address_id)
    form = AddressForm(request.POST or None, instance=address)
    if request.method == "POST" and form.is_valid():
        services.change_address(
            user=_user(request),
            address_id=address_id,
            fields=form.address_fields,
            as_default=form.cleaned_data["is_default"],
        )
        messages.success(request, _("The address is saved."))
        return redirect(_next(request))
    return _address_page(request, form, title=_("Change the address"))


@login_required
@require_POST
def make_default(request: HttpRequest, address_id: int) -> HttpResponse:
    services.make_default(user=_user(request), address_id=address_id)
    return redirect("accounts:addresses")


@login_required
@require_http_methods(["GET", "POST"])
def delete_address(request: HttpRequest, address_id: int) -> HttpResponse:
    """Ask on GET, for those without JavaScript; delete on POST."""
    if request.method == "POST":
        services.delete_address(user=_user(request), address_id=address_id)
        messages.success(request, _("The address is deleted."))
        return redirect("accounts:addresses")
    address = queries.address_of(_user(request), address_id)
    return render(request, "accounts/address_delete.html", {"address": address})


def _address_page(request: HttpRequest, form: AddressForm, *, title: str) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "title": title, "next": _next(request)}
    return render(
        request, "accounts/address_form.html", context, status=400 if form.errors else 200
    )


def _next(request: HttpRequest) -> str:
    """Return the page to go on to: the one asked for if it is ours, else the addresses."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if wanted and is_ours else "/account/addresses/"
