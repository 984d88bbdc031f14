"""Uploading a feed, seeing what it would do, importing it; and what came of earlier ones."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shops.catalog.models import Shop
from shops.catalog.queries import managed_shop
from shops.feeds import pending, queries
from shops.feeds.forms import UploadForm
from shops.feeds.reading import FeedUnreadable
from shops.feeds.services import import_feed, preview_feed

_IMPORTS_PER_PAGE = 20
_ERRORS_PER_PAGE = 100


def _page(request: HttpRequest, shop: Shop, form: UploadForm, status: int = 200) -> HttpResponse:
    page = Paginator(queries.imports_of(shop=shop), _IMPORTS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"shop": shop, "form": form, "page": page}
    return render(request, "feeds/upload.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def upload(request: HttpRequest, shop: str) -> HttpResponse:
    """Take a file and show what importing it would do; nothing is imported yet."""
    managed = managed_shop(user=request.user, slug=shop)
    if request.method != "POST":
        return _page(request, managed, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, managed, form, status=422)
    file = form.cleaned_data["feed"]
    now = timezone.now()
    try:
        outcome = preview_feed(shop=managed, file=file, now=now)
    except FeedUnreadable as refused:
        form.add_error("feed", str(refused))
        return _page(request, managed, form, status=422)
    file.seek(0)
    token = pending.keep(shop=managed, file=file, now=now) if outcome.taken else ""
    context = {
        "shop": managed,
        "outcome": outcome,
        "errors": outcome.errors[:_ERRORS_PER_PAGE],
        "more_errors": max(0, len(outcome.errors) - _ERRORS_PER_PAGE),
        "token": token,
        "file_name": file.name,
    }
    return render(request, "feeds/preview.html", context)


@require_POST
@login_required
def run(request: HttpRequest, shop: str) -> HttpResponse:
    """Import the file that was previewed."""
    managed = managed_shop(user=request.user, slug=shop)
    token = request.POST.get("token", "")
    with pending.open_kept(shop=managed, token=token) as file:
        outcome = import_feed(
            shop=managed,
            file=file,
            file_name=request.POST.get("file_name", "") or "feed.csv",
            now=timezone.now(),
        )
    pending.forget(shop=managed, token=token)
    messages.success(request, _("The feed is imported."))
    return redirect("feeds:import", managed.slug, outcome.import_id)


@require_safe
@login_required
def import_page(request: HttpRequest, shop: str, import_id: int) -> HttpResponse:
    managed = managed_shop(user=request.user, slug=shop)
    done = queries.import_of(shop=managed, import_id=import_id)
    errors = Paginator(queries.errors_of(feed_import=done), _ERRORS_PER_PAGE)
    page = errors.get_page(request.GET.get("page"))
    return render(request, "feeds/import.html", {"shop": managed, "done": done, "page": page})
