"""Questions over HTTP: for pages without JavaScript, and when the socket is away."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from creators.chat import questions
from creators.chat.doors import back, client_id, number, number_or_none, wants_json
from creators.chat.models import Question
from creators.pieces import access
from creators.profiles.signed_in import signed_in


@login_required
@require_POST
def ask(request: HttpRequest, piece_id: int) -> HttpResponse:
    access.check(request, piece_id)
    question = questions.ask(
        piece_id=piece_id,
        author=signed_in(request),
        client_id=client_id(request),
        body=request.POST.get("body", ""),
        product_id=number_or_none(request, "product"),
        now=timezone.now(),
    )
    if wants_json(request):
        return JsonResponse({"id": question.pk}, status=201)
    messages.success(request, _("Your question is in the list."))
    return back(request, piece_id)


def _about_one(change: Callable[..., Question]) -> Callable[[HttpRequest, int], HttpResponse]:
    """Make a view of what can be done with one question."""

    @login_required
    @require_POST
    def view(request: HttpRequest, piece_id: int) -> HttpResponse:
        access.check(request, piece_id)
        question = change(
            question_id=number(request, "question"),
            piece_id=piece_id,
            by=signed_in(request),
            now=timezone.now(),
        )
        if wants_json(request):
            return JsonResponse({"id": question.pk, "rev": question.rev, "votes": question.votes})
        return back(request, piece_id)

    return view


vote = _about_one(questions.vote)
unvote = _about_one(questions.unvote)
answer = _about_one(questions.answer)
delete = _about_one(questions.delete_question)
