"""What a user is told of sanctions of their own, and how they answer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from creators.chat.models import Sanction
from creators.chat.moderation import appeals, forms, queries, texts
from creators.chat.moderation.forms import door
from creators.profiles.signed_in import signed_in
from shops.accounts.models import User


@login_required
@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    sanctions = [
        {"sanction": one, "until": texts.until_when(one), "holds": one.holds_at(now)}
        for one in queries.sanctions_of(signed_in(request))
    ]
    return render(request, "moderation/mine.html", {"sanctions": sanctions})


@door
def appeal(request: HttpRequest, sanction_id: int, by: User) -> HttpResponse:
    appeals.appeal(
        sanction_id=sanction_id, by=by, text=request.POST.get("text", ""), now=timezone.now()
    )
    if not forms.wants_json(request):
        messages.success(request, _("It is sent. You will be told the answer here."))
    return forms.back(request, reverse("moderation:mine"))


def banned_page(request: HttpRequest, sanction: Sanction) -> HttpResponse:
    """Answer in the place of a show's page to who is banned from it: why, until when, an appeal."""
    response = render(
        request,
        "moderation/banned.html",
        {"sanction": sanction, "until": texts.until_when(sanction)},
        status=403,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
