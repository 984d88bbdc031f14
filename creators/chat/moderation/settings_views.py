"""A creator's chat settings: what all shows begin with, filters, moderators, bans, block lists."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from creators.chat.moderation import (
    blocklists,
    doors,
    forms,
    presentation,
    queries,
    rules,
    screening,
)
from creators.chat.moderation.authority import Rank, place_of_creator
from creators.chat.moderation.filters import BadFilter
from creators.profiles.models import Creator
from creators.profiles.queries import creator_of
from creators.profiles.signed_in import signed_in
from shops.accounts.models import User
from shops.facts.refused import Invalid


def _own(press: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a page of what a creator sets; who is none yet becomes one first."""

    @login_required
    @wraps(press)
    def view(request: HttpRequest, **kwargs: int) -> HttpResponse:
        creator = creator_of(request.user)
        if creator is None:
            return redirect("profiles:join")
        return press(request, creator=creator, by=signed_in(request), **kwargs)

    return view


def _page(
    request: HttpRequest, creator: Creator, by: User, status: int = 200, **more: Any
) -> HttpResponse:
    place, now = place_of_creator(creator.pk), timezone.now()
    words = forms.search(request)
    offset = forms.skipped(request)
    log = queries.log_of(place, limit=presentation.LOG_PAGE + 1, offset=offset)
    rules_now = queries.rules_in(place)[0]
    found = queries.open_sanctions(place=place, now=now, words=words)
    all_of_them = queries.count_open_sanctions(place=place, now=now, words=words)
    return render(
        request,
        "moderation/settings.html",
        {
            "creator": creator,
            "rules": rules_now,
            "slow_choices": presentation.slow_choices(rules_now.slow_seconds),
            "hold_choices": presentation.hold_choices(rules_now.hold_seconds),
            "filters": queries.filters_of(creator.pk),
            "moderators": queries.moderators_of(place),
            "sanctions": presentation.sanctions(found, by=by, rank=Rank.HOST),
            "more_sanctions": all_of_them - len(found),
            "words": words,
            "appeals": queries.open_appeals(place),
            "log": presentation.log(
                log[: presentation.LOG_PAGE], by=by, place=place, rank=Rank.HOST
            ),
            "more": presentation.earlier(log, offset=offset),
        }
        | more,
        status=status,
    )


@_own
@require_safe
def settings(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    return _page(request, creator, by)


@_own
@require_POST
def set_rules(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    rules.set_rules(
        place=place_of_creator(creator.pk),
        by=by,
        now=timezone.now(),
        **forms.rules(request),
    )
    return _done(request, _("Your shows begin with these rules."))


@_own
@require_POST
def add_filter(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    """Try a filter on what was said, or (`save`) add it after that."""
    rule = forms.rule(request)
    sentence = request.POST.get("sentence", "")[:300]
    try:
        if not forms.flag(request, "save"):
            trial = screening.dry_run(creator_id=creator.pk, rule=rule, sentence=sentence)
            return _page(request, creator, by, rule=rule, trial=trial, sentence=sentence)
        screening.add_filter(creator_id=creator.pk, rule=rule, by=by, now=timezone.now())
    except BadFilter as refused:
        return _page(
            request,
            creator,
            by,
            status=400,
            rule=rule,
            sentence=sentence,
            filter_error=str(refused),
        )
    return _done(request, _("The filter is used from now on."))


@_own
@require_POST
def remove_filter(request: HttpRequest, creator: Creator, by: User, filter_id: int) -> HttpResponse:
    screening.remove_filter(filter_id=filter_id, by=by, now=timezone.now())
    return _done(request, _("The filter is used no more."))


@_own
@require_POST
def add_moderator(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    return doors.add_moderator_to(request, place_of_creator(creator.pk), by, None)


@_own
@require_safe
def export(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    """Answer the block list as a file."""
    content = blocklists.export(creator=creator, by=by, now=timezone.now())
    return HttpResponse(
        content,
        content_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="block-list-{creator.handle}.json"',
            "Cache-Control": "no-store",
        },
    )


@_own
@require_POST
def take_in(request: HttpRequest, creator: Creator, by: User) -> HttpResponse:
    """Show what a file would do; what it says comes back with the confirmation."""
    now = timezone.now()
    if "list" in request.POST:
        # Browsers end the lines of a form's text in their own way, which makes it longer.
        listed = blocklists.parse(request.POST["list"].replace("\r\n", "\n").encode())
        action = blocklists.take_in(creator_id=creator.pk, listed=listed, by=by, now=now)
        if action is None:
            return _done(request, _("Nothing changed: all of it was so already."))
        return _done(request, _("The list is taken in. It can be undone below, in what was done."))
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(_("Choose a file."))
    try:
        content = file.read(blocklists.MOST_BYTES + 1)
        listed = blocklists.parse(content)
    except blocklists.BadList as refused:
        return _page(request, creator, by, status=400, list_error=str(refused))
    return render(
        request,
        "moderation/take_in.html",
        {
            "creator": creator,
            "preview": blocklists.preview(creator_id=creator.pk, listed=listed, now=now),
            "list": content.decode(),
        },
    )


def _done(request: HttpRequest, said: str) -> HttpResponse:
    if forms.wants_json(request):
        return HttpResponse(status=204)
    messages.success(request, said)
    return redirect("moderation:settings")
