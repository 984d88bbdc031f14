"""The doors of following: a button, which a script may press in its place."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from creators.profiles.queries import creator_by_handle
from creators.profiles.signed_in import signed_in
from creators.social import services


def _back(request: HttpRequest, handle: str) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = f"/creators/{handle}/"
    return redirect(target)


@login_required
@require_POST
def follow(request: HttpRequest, handle: str) -> HttpResponse:
    creator = creator_by_handle(handle)
    services.follow(creator_id=creator.pk, user=signed_in(request), now=timezone.now())
    return _back(request, creator.handle)


@login_required
@require_POST
def unfollow(request: HttpRequest, handle: str) -> HttpResponse:
    creator = creator_by_handle(handle)
    services.unfollow(creator_id=creator.pk, user=signed_in(request))
    return _back(request, creator.handle)
