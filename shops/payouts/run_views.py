"""The operators' payout runs: begin one, fetch its file, say what the bank did."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.accounts.models import User
from shops.catalog.queries import is_operator
from shops.facts.refused import NotAllowed, Refused
from shops.payouts import bank_file, paying, queries

_PER_PAGE = 25


def _for_operators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @login_required
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_operator(user=cast(User, request.user)):
            raise NotAllowed
        return view(request, *args, **kwargs)

    return checked


@require_safe
@_for_operators
def runs(request: HttpRequest) -> HttpResponse:
    page = Paginator(queries.runs(), _PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "next_run": queries.next_run_on(now=timezone.now())}
    return render(request, "payouts/runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@_for_operators
def start(request: HttpRequest) -> HttpResponse:
    """Say what a run would pay, and begin it; the form's id makes a second press harmless."""
    if request.method != "POST":
        owed = queries.would_be_paid()
        names = queries.names_of({owner for owner, _currency, _balance in owed})
        context = {
            "owed": [(names[owner], currency, balance) for owner, currency, balance in owed],
            "run_id": uuid.uuid4(),
        }
        return render(request, "payouts/start.html", context)
    try:
        run_id = uuid.UUID(request.POST.get("run", ""))
    except ValueError:
        return redirect("payouts:start")
    run = paying.start_run(run_id=run_id, by=cast(User, request.user), now=timezone.now())
    return redirect("payouts:run", run.pk)


@require_safe
@_for_operators
def run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    found = queries.run(run_id)
    payouts = queries.payouts_in(found)
    names = queries.names_of({payout.owner for payout in payouts})
    context = {"run": found, "payouts": [(payout, names[payout.owner]) for payout in payouts]}
    return render(request, "payouts/run.html", context)


@require_POST
@_for_operators
def fetch_file(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    content = bank_file.write(run_id=run_id, now=timezone.now())
    name = f"payouts-{run_id.hex[:12]}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@_for_operators
def all_paid(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    try:
        count = paying.confirm_run(run_id=run_id, now=timezone.now())
    except paying.NotByFile as refused:
        messages.error(request, str(refused))
    else:
        said = ngettext("%(count)d payout is paid.", "%(count)d payouts are paid.", count)
        messages.success(request, said % {"count": count})
    return redirect("payouts:run", run_id)


@require_POST
@_for_operators
def ended(request: HttpRequest, run_id: uuid.UUID, payout_id: uuid.UUID) -> HttpResponse:
    """Note that the bank carried one payout out, or sent it back."""
    is_paid = request.POST.get("end") == "paid"
    reason = "" if is_paid else request.POST.get("reason", "").strip()[:60] or _("Sent back")
    try:
        paying.confirm(payout_id=payout_id, is_paid=is_paid, reason=reason, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("payouts:run", run_id)
