"""What moderators do in a show, over HTTP: forms without a script, and scripts that send the same.

A script says `Accept: application/json` and gets 204, or problem details. Fields: `user` or
`message` (ids), `seconds` (empty: without an end), `scope` (show, creator), `reason`.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from creators.chat import pinning
from creators.chat.models import Sanction, SanctionKind
from creators.chat.moderation import (
    appeals,
    forms,
    lines,
    moderators,
    rules,
    sanctions,
    undoing,
)
from creators.chat.moderation.authority import Place, place_of
from creators.chat.moderation.forms import door
from creators.chat.moderation.texts import until_when
from shops.accounts.models import User
from shops.facts.refused import Invalid


def _desk(piece_id: int | None) -> str:
    if piece_id is None:
        return reverse("moderation:settings")
    return reverse("moderation:desk", args=[piece_id])


def _done(request: HttpRequest, piece_id: int | None, said: str = "") -> HttpResponse:
    if said and not forms.wants_json(request):
        messages.success(request, said)
    return forms.back(request, _desk(piece_id))


# --- People -----------------------------------------------------------------------------------


@door
def mute(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    place = forms.place(request, piece_id)
    sanction = _impose(request, SanctionKind.MUTE, place, by)
    return _done(
        request,
        piece_id,
        _("%(name)s is muted %(until)s.")
        % {"name": forms.name_of(sanction.user_id), "until": until_when(sanction)},
    )


@door
def ban(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    place = forms.place(request, piece_id)
    user_id = forms.number(request, "user")
    name = forms.name_of(user_id)
    if not forms.confirmed(request):
        where = _("this show") if place.piece_id is not None else _("all shows of this creator")
        return forms.ask(
            request,
            title=_("Ban %(name)s?") % {"name": name},
            text=_(
                "%(name)s can't see the page of %(where)s any more, nor its chat. What they have "
                "in their cart and ordered stays theirs. They are told why, and may answer."
            )
            % {"name": name, "where": where},
            button=_("Ban"),
            page=_desk(piece_id),
        )
    sanction = _impose(request, SanctionKind.BAN, place, by)
    return _done(
        request,
        piece_id,
        _("%(name)s is banned %(until)s.") % {"name": name, "until": until_when(sanction)},
    )


def _impose(request: HttpRequest, kind: str, place: Place, by: User) -> Sanction:
    return sanctions.impose(
        kind=kind,
        place=place,
        user_id=forms.number(request, "user"),
        by=by,
        lasts=forms.lasts(request),
        reason=forms.reason(request),
        now=timezone.now(),
    )


@door
def unmute(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    return _release(request, SanctionKind.MUTE, piece_id, by)


@door
def unban(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    return _release(request, SanctionKind.BAN, piece_id, by)


def _release(request: HttpRequest, kind: str, piece_id: int, by: User) -> HttpResponse:
    sanctions.release(
        kind=kind,
        piece_id=piece_id,
        user_id=forms.number(request, "user"),
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(request, piece_id, _("It is lifted."))


@door
def lift(request: HttpRequest, sanction_id: int, by: User) -> HttpResponse:
    sanction = sanctions.lift(
        sanction_id=sanction_id, by=by, reason=forms.reason(request), now=timezone.now()
    )
    return _done(request, sanction.piece_id, _("It is lifted."))


@door
def answer_appeal(request: HttpRequest, appeal_id: int, by: User) -> HttpResponse:
    """Grant (`decision` grant) or deny an appeal with `words`."""
    answered = appeals.answer(
        appeal_id=appeal_id,
        by=by,
        grant=request.POST.get("decision") == "grant",
        words=request.POST.get("words", ""),
        now=timezone.now(),
    )
    return _done(request, answered.sanction.piece_id, _("It is answered, and they are told."))


@door
def add_moderator(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    """Make a moderator of who has an address (`email`) or was chosen from the chat (`user`)."""
    place = forms.place(request, piece_id)
    return add_moderator_to(request, place, by, piece_id)


def add_moderator_to(
    request: HttpRequest, place: Place, by: User, piece_id: int | None
) -> HttpResponse:
    email = request.POST.get("email", "").strip()
    if not email and not request.POST.get("user"):
        raise Invalid(_("Say who: an address, or somebody from the chat."))
    user_id = forms.number(request, "user") if not email else None
    # Who may not add anybody is not told who has which address either.
    moderators.need_to_name(place, by=by)
    moderator = moderators.add_moderator(
        place=place,
        user_id=moderators.user_by_email(email).pk if user_id is None else user_id,
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(
        request,
        piece_id,
        _("%(name)s is a moderator now.") % {"name": forms.name_of(moderator.user_id)},
    )


@door
def remove_moderator(request: HttpRequest, moderator_id: int, by: User) -> HttpResponse:
    moderator = moderators.moderator_for(moderator_id, by=by)
    name = moderator.user.display_name
    page = _desk(moderator.piece_id)
    if not forms.confirmed(request):
        return forms.ask(
            request,
            title=_("Take the role from %(name)s?") % {"name": name},
            text=_("%(name)s can't moderate any more, on pages that are open, too.")
            % {"name": name},
            button=_("Take the role"),
            page=page,
        )
    moderators.remove_moderator(
        moderator_id=moderator_id, by=by, reason=forms.reason(request), now=timezone.now()
    )
    return _done(
        request, moderator.piece_id, _("%(name)s is no moderator any more.") % {"name": name}
    )


# --- Lines ------------------------------------------------------------------------------------


@door
def delete(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    lines.delete_message(
        message_id=lines.in_show(forms.number(request, "message"), piece_id),
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(request, piece_id)


@door
def restore(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    lines.restore_message(
        message_id=lines.in_show(forms.number(request, "message"), piece_id),
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(request, piece_id)


@door
def show(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    return _judge(request, piece_id, by, show=True)


@door
def reject(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    return _judge(request, piece_id, by, show=False)


def _judge(request: HttpRequest, piece_id: int, by: User, *, show: bool) -> HttpResponse:
    lines.judge_line(
        message_id=lines.in_show(forms.number(request, "message"), piece_id),
        show=show,
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(request, piece_id)


@door
def pin(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    pinning.pin_line(
        piece_id=piece_id,
        message_id=forms.number(request, "message"),
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
    )
    return _done(request, piece_id)


@door
def unpin(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    pinning.unpin_line(piece_id=piece_id, by=by, reason=forms.reason(request), now=timezone.now())
    return _done(request, piece_id)


# --- The rest ---------------------------------------------------------------------------------


@door
def set_rules(request: HttpRequest, piece_id: int, by: User) -> HttpResponse:
    """Set `slow_seconds`, `hold_seconds`, `followers_only`; or `as_default`: as in all shows."""
    rules.set_rules(
        place=place_of(piece_id),
        by=by,
        reason=forms.reason(request),
        now=timezone.now(),
        **forms.rules(request),
    )
    return _done(request, piece_id, _("The rules hold from now on."))


@door
def undo(request: HttpRequest, action_id: int, by: User) -> HttpResponse:
    action = undoing.undo(action_id=action_id, by=by, now=timezone.now())
    return _done(request, action.piece_id, _("It is undone."))
