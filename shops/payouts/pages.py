"""What the pages of sellers and creators have in common: the same figures for another owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from shops.accounts.models import User
from shops.facts.refused import Invalid, NotFound
from shops.payouts import accounts, queries, statements
from shops.payouts.explaining import explain
from shops.payouts.forms import AccountForm
from shops.payouts.statement_pdf import as_pdf

_PER_PAGE = 25
_FIELD_OF = {"bad_account": "number", "bad_bic": "bic", "no_holder": "holder"}


@dataclass(frozen=True)
class Whose:
    """An owner and where their pages are: `doors` prefixes the names of their addresses."""

    owner: str
    name: str
    doors: str
    arguments: tuple[str, ...]
    context: Mapping[str, Any]

    def at(self, door: str, *more: str) -> str:
        return reverse(f"payouts:{self.doors}{door}", args=[*self.arguments, *more])


def _show(
    request: HttpRequest, whose: Whose, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    common = {
        "whose": whose,
        "is_shop": whose.doors == "shop_",
        "overview_url": whose.at("overview"),
        "account_url": whose.at("account"),
    }
    return render(
        request, f"payouts/{template}.html", {**whose.context, **common, **context}, status=status
    )


def overview(request: HttpRequest, whose: Whose) -> HttpResponse:
    now = timezone.now()
    page = Paginator(queries.settlements_of(owner=whose.owner), _PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = queries.order_rows(list(page), owner=whose.owner, now=now)
    months = statements.months(owner=whose.owner)
    context = {
        "balances": queries.balances(owner=whose.owner),
        "account": accounts.account_of(whose.owner),
        "next_run": queries.next_run_on(now=now),
        "payouts": queries.payouts_of(owner=whose.owner),
        "page": page,
        "rows": [(row, whose.at("order", row.row.order.number)) for row in rows],
        "statements": [
            (month, currency, whose.at("statement", f"{month:%Y-%m}-{currency}"))
            for month, currency in months[:24]
        ],
    }
    return _show(request, whose, "overview", context)


def order(request: HttpRequest, whose: Whose, number: str) -> HttpResponse:
    now = timezone.now()
    row = queries.settlement_of(owner=whose.owner, number=number, now=now)
    explained = explain(row, owner=whose.owner, now=now)
    return _show(request, whose, "order", {"row": row, "it": explained})


def account(request: HttpRequest, whose: Whose) -> HttpResponse:
    """Show where the money goes, or have it go elsewhere; the full number is never shown again."""
    current = accounts.account_of(whose.owner)
    form = AccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            accounts.save_account(
                owner=whose.owner,
                by=cast(User, request.user),
                now=timezone.now(),
                **form.cleaned_data,
            )
        except Invalid as refused:
            form.add_error(_FIELD_OF.get(refused.code), str(refused))
        else:
            messages.success(request, _("Payouts go to this account from now on."))
            return redirect(whose.at("overview"))
    status = 422 if form.errors else 200
    return _show(request, whose, "account", {"form": form, "account": current}, status)


def statement(request: HttpRequest, whose: Whose, slug: str, extension: str) -> HttpResponse:
    """Answer with a month's statement as a page, or as a file by its extension."""
    month, currency = _read(slug)
    drawn = statements.statement(owner=whose.owner, name=whose.name, currency=currency, month=month)
    if extension == "csv":
        return _file(statements.as_csv(drawn), "text/csv; charset=utf-8", f"{slug}.csv")
    if extension == "pdf":
        return _file(as_pdf(drawn), "application/pdf", f"{slug}.pdf")
    context = {
        "statement": statements.linked(drawn, link=partial(whose.at, "order")),
        "csv_url": whose.at("statement_file", slug, "csv"),
        "pdf_url": whose.at("statement_file", slug, "pdf"),
    }
    return _show(request, whose, "statement", context)


def _read(slug: str) -> tuple[date, str]:
    """Read "2026-11-EUR".

    :raises NotFound: there can be no such statement
    """
    try:
        month = datetime.strptime(slug[:7], "%Y-%m").date()  # noqa: DTZ007  # a month, no instant
    except ValueError:
        raise NotFound from None
    currency = slug[8:]
    if not (2000 <= month.year < 9999 and currency.isascii() and currency.isalpha()):
        raise NotFound
    return month, currency


def _file(content: str | bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="statement-{name}"'}
    return HttpResponse(content, content_type=kind, headers=headers)
