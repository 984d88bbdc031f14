"""The creator's own pages: their shows with what each sold, planning one, changing it."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from creators.live import queries, services
from creators.live.covers import BadCover
from creators.live.forms import ChangeForm, ShowForm
from creators.profiles.queries import creator_of, shops_of
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Refused

MOST_PAST: Final = 20


@login_required
@require_safe
def studio(request: HttpRequest) -> HttpResponse:
    creator = creator_of(request.user)
    if creator is None:
        return redirect("profiles:join")
    shows = queries.shows_of(creator)
    return render(
        request,
        "live/studio.html",
        {
            "creator": creator,
            "shops": shops_of(creator),
            "live": [show for show in shows if show.is_live],
            "scheduled": [show for show in reversed(shows) if show.is_scheduled],
            "past": [
                {"show": show, "figures": queries.show_figures(show.pk)}
                for show in [show for show in shows if show.is_ended][:MOST_PAST]
            ],
        },
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest) -> HttpResponse:
    creator = creator_of(request.user)
    if creator is None:
        return redirect("profiles:join")
    form = ShowForm(request.POST or None, request.FILES or None, creator=creator)
    if form.is_valid():
        data = form.cleaned_data
        category = data["category"]
        try:
            session = services.schedule_show(
                creator=creator,
                title=data["title"],
                category_id=category.pk if category else None,
                language=data["language"],
                visibility=data["visibility"],
                cover=data["cover"],
                scheduled_at=data["starts_at"],
                planned_minutes=data["planned_minutes"],
                product_ids=[product.pk for product in data["products"]],
                now=timezone.now(),
            )
        except BadCover as refused:
            form.add_error("cover", str(refused))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("live:console", session.pk)
    return render(request, "live/schedule.html", {"form": form, "creator": creator})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = queries.show(piece_id)
    by = signed_in(request)
    if session.piece.creator.user_id != by.pk:
        raise services.NotHost
    if session.is_rehearsal or not session.is_scheduled:
        return redirect("live:console", piece_id)
    form = ChangeForm(request.POST or None, request.FILES or None, session=session)
    if form.is_valid():
        data = form.cleaned_data
        category = data["category"]
        try:
            services.change_show(
                piece_id=piece_id,
                by=by,
                title=data["title"],
                scheduled_at=data["starts_at"],
                planned_minutes=data["planned_minutes"],
                category_id=category.pk if category else None,
                language=data["language"],
                visibility=data["visibility"],
                cover=data["cover"],
                drop_cover=data.get("drop_cover", False),
                now=timezone.now(),
            )
        except BadCover as refused:
            form.add_error("cover", str(refused))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("live:console", piece_id)
    return render(request, "live/edit.html", {"form": form, "session": session})
