"""The pages on which creators, brands and operators see the same open scores."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creators.profiles.queries import creator_by_handle, sees_all_scores
from creators.scoring import presentation, queries
from creators.scoring.models import Indicator
from shops.facts.refused import NotAllowed

_PER_PAGE: Final = 50


@login_required
@require_safe
def creators(request: HttpRequest) -> HttpResponse:
    """List the creators, so that brands and operators find their scores.

    :raises NotAllowed: the viewer is neither a brand nor an operator
    """
    if not sees_all_scores(request.user):
        raise NotAllowed
    page = Paginator(queries.creators_by_score(), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "scoring/creators.html", {"page": page})


@login_required
def scores(request: HttpRequest, handle: str) -> HttpResponse:
    """Show a creator's newest scores with all that went in.

    :raises NotFound: nobody has that handle
    :raises NotAllowed: the viewer is neither the creator nor a brand nor an operator
    """
    creator = creator_by_handle(handle)
    if not queries.may_see(user=request.user, creator=creator):
        raise NotAllowed
    latest = queries.latest_scores(creator_id=creator.pk)
    shown = [indicator for indicator in Indicator if indicator in latest]
    return render(
        request,
        "scoring/scores.html",
        {
            "creator": creator,
            "is_own": request.user.pk == creator.user_id,
            "cards": [presentation.card(latest[indicator]) for indicator in shown],
            "histories": [
                (indicator.label, queries.history(creator_id=creator.pk, indicator=indicator))
                for indicator in shown
            ],
        },
    )
