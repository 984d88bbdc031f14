"""The host's console, and its buttons: each is a form, and a script may send it in its place."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from creators.chat import queries as chat
from creators.chat.models import SanctionKind
from creators.chat.moderation.authority import place_of
from creators.chat.moderation.queries import open_sanctions
from creators.live import access, picture, queries, services, texts
from creators.live.forms import CaptionsForm
from creators.live.models import LiveSession
from creators.media.texts import for_camera as camera_texts
from creators.profiles.signed_in import signed_in
from shops.accounts.models import User
from shops.facts.refused import Invalid

# Longer than this none is promised any more.
_REPLAY_WITHIN = timedelta(minutes=3)


def _hosted(request: HttpRequest, piece_id: int) -> LiveSession:
    session = queries.show(piece_id)
    if session.piece.creator.user_id != signed_in(request).pk:
        raise services.NotHost
    return session


@login_required
@require_safe
def console(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = _hosted(request, piece_id)
    if session.is_rehearsal and session.is_over:
        # Nothing is left of it.
        return redirect("live:console", session.rehearsal_of_id)
    return console_page(request, session)


def console_page(request: HttpRequest, session: LiveSession, *, new_key: str = "") -> HttpResponse:
    """Answer the console; `new_key` is a stream key that was just made, to be read this once."""
    piece_id, now = session.pk, timezone.now()
    services.see_host(piece_id=piece_id, by=signed_in(request), now=now)
    words = request.GET.get("q", "")[:80]
    invite = access.invite_path(session)
    response = render(
        request,
        "live/console.html",
        {
            "session": session,
            "picture": picture.of_host(session, now=now),
            "new_key": new_key,
            "captions_form": _captions_form(session),
            "awaits_replay": _awaits_replay(session, now),
            "invite": request.build_absolute_uri(invite) if invite else "",
            "rehearsal": queries.rehearsal_of(session) if session.is_scheduled else None,
            "reconnecting_seconds": picture.RECONNECTING_SECONDS,
            "items": _in_order(session),
            "chat": chat.last_messages(piece_id=piece_id),
            "pinned_line": chat.pinned_message(piece_id),
            "questions": chat.queue(piece_id=piece_id, viewer_id=request.user.pk),
            "answering": chat.line_to_answer(piece_id=piece_id, asked=request.GET.get("reply", "")),
            "keeps": True,
            "mutes": open_sanctions(place=place_of(piece_id), now=now, kind=SanctionKind.MUTE),
            "figures": queries.show_figures(piece_id),
            "qualified": queries.qualified_viewers(piece_id),
            "sales": queries.recent_sales(piece_id),
            "pins": queries.pin_history(session),
            "words": words,
            "addable": queries.addable_products(session, words=words),
            "client_id": uuid.uuid4(),
            "texts": texts.for_host(),
            "camera_texts": camera_texts(),
        },
    )
    if new_key:
        response.headers["Cache-Control"] = "no-store"
    return response


def _awaits_replay(session: LiveSession, now: datetime) -> bool:
    """Tell whether a recording has just ended that the worker makes a replay of."""
    stream, ended = session.stream, session.ended_at
    if not session.is_ended or stream is None or not stream.run or ended is None:
        return False
    return not hasattr(session, "replay") and now - ended < _REPLAY_WITHIN


def _captions_form(session: LiveSession) -> CaptionsForm | None:
    """Offer to upload captions for what was recorded."""
    stream = session.stream
    if not session.is_ended or stream is None or stream.on_air_from is None:
        return None
    if stream.erased_at is not None:
        return None
    return CaptionsForm(initial={"language": session.piece.language})


def _in_order(session: LiveSession) -> list[queries.BagItem]:
    """List the bag as the host ordered it: its numbers are keys, a pin must not move them."""
    return sorted(queries.bag(session), key=lambda item: (item.position, item.product_id))


@login_required
@require_safe
def bag(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Answer the part of the console that lists the bag, for its script."""
    session = _hosted(request, piece_id)
    return render(
        request, "live/console_bag.html", {"session": session, "items": _in_order(session)}
    )


@login_required
@require_safe
def log(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Answer the part of the console that lists sales and pins, for its script."""
    session = _hosted(request, piece_id)
    return render(
        request,
        "live/console_log.html",
        {
            "session": session,
            "sales": queries.recent_sales(piece_id),
            "pins": queries.pin_history(session),
        },
    )


@login_required
@require_safe
def addable(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Answer the part of the console that lists products to add, for its script."""
    session = _hosted(request, piece_id)
    words = request.GET.get("q", "")[:80]
    return render(
        request,
        "live/console_addable.html",
        {
            "session": session,
            "words": words,
            "addable": queries.addable_products(session, words=words),
        },
    )


def _product(request: HttpRequest) -> int:
    text = request.POST.get("product", "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid
    return int(text)


def _button(
    press: Callable[[HttpRequest, int, User], None],
) -> Callable[[HttpRequest, int], HttpResponse]:
    """Make a view of what a button of the console does."""

    @login_required
    @require_POST
    def view(request: HttpRequest, piece_id: int) -> HttpResponse:
        press(request, piece_id, signed_in(request))
        if "application/json" in request.headers.get("Accept", ""):
            return HttpResponse(status=204)
        return redirect("live:console", piece_id)

    return view


@_button
def start(request: HttpRequest, piece_id: int, by: User) -> None:
    services.start_show(piece_id=piece_id, by=by, now=timezone.now())


@login_required
@require_POST
def end(request: HttpRequest, piece_id: int) -> HttpResponse:
    session = services.end_show(piece_id=piece_id, by=signed_in(request), now=timezone.now())
    if session.is_rehearsal:
        messages.info(request, _("The rehearsal is over, and what came of it is being erased."))
    return redirect("live:console", session.rehearsal_of_id or piece_id)


@login_required
@require_POST
def rehearse(request: HttpRequest, piece_id: int) -> HttpResponse:
    rehearsal = services.rehearse(piece_id=piece_id, by=signed_in(request), now=timezone.now())
    return redirect("live:console", rehearsal.pk)


@_button
def aim(request: HttpRequest, piece_id: int, by: User) -> None:
    services.aim_key(piece_id=piece_id, by=by, now=timezone.now())


@_button
def here(request: HttpRequest, piece_id: int, by: User) -> None:
    """Note that the console is open; its script says so now and then."""
    services.see_host(piece_id=piece_id, by=by, now=timezone.now())


@login_required
@require_POST
def make_key(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Make a new stream key and show it, this once; it is kept nowhere that it can be read."""
    session = _hosted(request, piece_id)
    key = services.make_key(piece_id=piece_id, by=signed_in(request), now=timezone.now())
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"key": key}, headers={"Cache-Control": "no-store"})
    return console_page(request, session, new_key=key)


@login_required
@require_POST
def camera(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Tell the host's browser where to send its camera; the address is signed, and runs out."""
    session = _hosted(request, piece_id)
    found = picture.of_host(session, now=timezone.now())
    if found is None:
        raise services.ShowOver
    return JsonResponse({"url": found.ingest_url, "max_kbps": found.most_kbps})


@login_required
@require_POST
def captions(request: HttpRequest, piece_id: int) -> HttpResponse:
    form = CaptionsForm(request.POST, request.FILES)
    if not form.is_valid():
        raise Invalid(str(next(iter(form.errors.values()))[0]))
    count = services.upload_captions(
        piece_id=piece_id,
        by=signed_in(request),
        language=form.cleaned_data["language"],
        vtt=form.cleaned_data["file"],
        now=timezone.now(),
    )
    said = ngettext("%(count)d caption was taken in.", "%(count)d captions were taken in.", count)
    messages.success(request, said % {"count": count})
    return redirect("live:console", piece_id)


@_button
def cancel(request: HttpRequest, piece_id: int, by: User) -> None:
    services.cancel_show(piece_id=piece_id, by=by, now=timezone.now())


@_button
def pin(request: HttpRequest, piece_id: int, by: User) -> None:
    services.pin(piece_id=piece_id, product_id=_product(request), by=by, now=timezone.now())


@_button
def unpin(request: HttpRequest, piece_id: int, by: User) -> None:
    services.unpin(piece_id=piece_id, by=by, now=timezone.now())


@_button
def add(request: HttpRequest, piece_id: int, by: User) -> None:
    services.add_to_bag(piece_id=piece_id, product_id=_product(request), by=by, now=timezone.now())


@_button
def remove(request: HttpRequest, piece_id: int, by: User) -> None:
    services.remove_from_bag(
        piece_id=piece_id, product_id=_product(request), by=by, now=timezone.now()
    )


@_button
def put_first(request: HttpRequest, piece_id: int, by: User) -> None:
    services.reorder_bag(
        piece_id=piece_id, product_ids=[_product(request)], by=by, now=timezone.now()
    )
