"""Becoming a creator."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from creators.profiles.forms import JoinForm
from creators.profiles.queries import creator_of
from creators.profiles.services import become_creator
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    if creator_of(user) is not None:
        return redirect("live:studio")
    form = JoinForm(request.POST or None, initial={"name": user.display_name})
    if form.is_valid():
        data = form.cleaned_data
        category = data["category"]
        try:
            become_creator(
                user=user,
                handle=data["handle"],
                name=data["name"],
                bio=data["bio"],
                category_id=category.pk if category else None,
                now=timezone.now(),
            )
        except Refused as refused:
            form.add_error("handle", str(refused))
        else:
            messages.success(request, _("You are a creator now. Plan your first show!"))
            return redirect("live:studio")
    return render(request, "profiles/join.html", {"form": form})
