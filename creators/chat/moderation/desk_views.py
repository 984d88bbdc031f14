"""The mod desk of a show: what waits, who is sanctioned, the rules, the log of what was done."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from creators.chat.moderation import forms, presentation, queries
from creators.chat.moderation.actions import ActionKind
from creators.chat.moderation.authority import TO_MODERATE, Rank, need, place_of
from creators.pieces.queries import piece_with_creator
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Invalid


@login_required
@require_safe
def desk(request: HttpRequest, piece_id: int) -> HttpResponse:
    by, place, now = signed_in(request), place_of(piece_id), timezone.now()
    rank = need(by, place, TO_MODERATE)
    kind = request.GET.get("kind", "")
    if kind and kind not in ActionKind.values:
        raise Invalid
    offset = forms.skipped(request)
    log = queries.log_of(place, kind=kind, limit=presentation.LOG_PAGE + 1, offset=offset)
    rules, is_own = queries.rules_in(place)
    words = forms.search(request)
    sanctions = queries.open_sanctions(place=place, now=now, words=words)
    all_of_them = queries.count_open_sanctions(place=place, now=now, words=words)
    return render(
        request,
        "moderation/desk.html",
        {
            "piece": piece_with_creator(piece_id),
            "is_host": rank is Rank.HOST,
            "judges": rank >= Rank.CREATOR_MODERATOR,
            "waiting": [presentation.waiting(line) for line in queries.waiting_lines(piece_id)],
            "sanctions": presentation.sanctions(sanctions, by=by, rank=rank),
            "more_sanctions": all_of_them - len(sanctions),
            "words": words,
            "appeals": queries.open_appeals(place),
            "rules": rules,
            "slow_choices": presentation.slow_choices(rules.slow_seconds),
            "hold_choices": presentation.hold_choices(rules.hold_seconds),
            "mute_choices": presentation.mute_choices(),
            "judgements": [
                (reverse("moderation:show", args=[piece_id]), _("Show it")),
                (reverse("moderation:reject", args=[piece_id]), _("Keep it back")),
            ],
            "is_own": by.pk == place.host_id,
            "has_own_rules": is_own,
            "log": presentation.log(log[: presentation.LOG_PAGE], by=by, place=place, rank=rank),
            "more": presentation.earlier(log, offset=offset),
            "kinds": ActionKind.choices,
            "kind": kind,
            "moderators": queries.moderators_of(place),
            "authors": [
                author
                for author in queries.recent_authors(piece_id)
                if author.pk not in (by.pk, place.host_id)
            ],
            "lines": queries.last_lines(piece_id),
        },
    )
