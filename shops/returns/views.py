"""The buyer's pages: ask for a return, follow it, dispute what was decided. And the photos."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shops.facts.refused import NotFound, Refused
from shops.orders.models import Order
from shops.orders.queries import order_of_buyer
from shops.returns import disputes, queries, requesting
from shops.returns.doors import (
    for_program,
    now,
    numbers,
    once,
    pictures_of,
    user_of,
)
from shops.returns.forms import ReasonForm
from shops.returns.models import Return
from shops.returns.photos import MOST_PHOTOS, storage
from shops.returns.possible import possible
from shops.returns.states import ReturnReason, Side


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    cases = queries.returns_of_buyer(buyer_id=user_of(request).pk)
    return render(request, "returns/mine.html", {"cases": cases})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, number: str) -> HttpResponse:
    user = user_of(request)
    order = order_of_buyer(number=number, buyer_id=user.pk)
    if request.method != "POST":
        return _new_page(request, order, ReasonForm())
    form = ReasonForm(request.POST)
    try:
        form.check()
        chosen = numbers(request, "units")
        pictures = pictures_of(request)
        return once(
            request,
            scope=f"return:{order.pk}",
            effect=lambda: requesting.request(
                order_id=order.pk,
                buyer=user,
                units=chosen,
                reason=ReturnReason(form.cleaned_data["reason"]),
                words=form.cleaned_data["words"],
                photos=pictures,
                now=now(),
            ),
            pictures=pictures,
            page=_page,
        )
    except Refused as refused:
        # What was written and chosen stays; browsers never give files back.
        if for_program(request):
            raise
        return _new_page(request, order, form, refused=refused)


@login_required
@require_GET
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)
    context = {
        "case": found,
        "can": possible(found, now=now()),
        "rejection": queries.rejection_of(found),
        "side": Side.BUYER,
        "most_photos": MOST_PHOTOS,
    }
    return render(request, "returns/case.html", context)


@login_required
@require_POST
def send(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)

    def effect() -> Return:
        requesting.send(
            case_id=found.pk,
            carrier=request.POST.get("carrier", ""),
            tracking_number=request.POST.get("tracking_number", ""),
            by=user_of(request),
            now=now(),
        )
        return found

    return once(
        request,
        scope=f"return-send:{case_id}",
        effect=effect,
        page=_page,
        said=_("Thank you. The shop knows that it is on its way."),
    )


@login_required
@require_POST
def cancel(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)

    def effect() -> Return:
        requesting.cancel(case_id=found.pk, by=user_of(request), now=now())
        return found

    return once(
        request,
        scope=f"return-cancel:{case_id}",
        effect=effect,
        page=_page,
        said=_("You keep it. The request is taken back."),
    )


@login_required
@require_POST
def dispute(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)
    pictures = pictures_of(request)

    def effect() -> Return:
        disputes.open_dispute(
            case_id=found.pk,
            text=request.POST.get("text", ""),
            photos=pictures,
            by=user_of(request),
            now=now(),
        )
        return found

    return once(
        request,
        scope=f"return-dispute:{case_id}",
        effect=effect,
        pictures=pictures,
        page=_page,
        said=_("We look at it. The shop answers first, then we decide."),
    )


@login_required
@require_POST
def say(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)
    pictures = pictures_of(request)

    def effect() -> Return:
        disputes.say(
            case_id=found.pk,
            side=Side.BUYER,
            text=request.POST.get("text", ""),
            photos=pictures,
            by=user_of(request),
            now=now(),
        )
        return found

    return once(
        request, scope=f"return-say:{case_id}", effect=effect, pictures=pictures, page=_page
    )


@login_required
@require_POST
def withdraw(request: HttpRequest, case_id: UUID) -> HttpResponse:
    found = _mine(request, case_id)

    def effect() -> Return:
        disputes.withdraw(case_id=found.pk, by=user_of(request), now=now())
        return found

    return once(
        request,
        scope=f"return-withdraw:{case_id}",
        effect=effect,
        page=_page,
        said=_("The dispute is over. The shop's decision stands."),
    )


@login_required
@require_GET
def photo(request: HttpRequest, photo_id: UUID) -> FileResponse:
    found = queries.photo_for(photo_id=photo_id, user=user_of(request))
    try:
        file = storage().open(found.name)
    except OSError:
        raise NotFound from None
    # Kept by the browser of who may see it, and by nobody between.
    headers = {"Cache-Control": "private, max-age=3600"}
    return FileResponse(file, content_type="image/webp", headers=headers)


def _mine(request: HttpRequest, case_id: UUID) -> Return:
    return queries.case_of_buyer(case_id=case_id, buyer_id=user_of(request).pk)


def _page(case: Return) -> str:
    return reverse("returns:case", args=[case.pk])


def _new_page(
    request: HttpRequest, order: Order, form: ReasonForm, *, refused: Refused | None = None
) -> HttpResponse:
    lines = requesting.returnable(order=order, now=now())
    left = [one for one in lines if one.left]
    # Of one single unit nobody has to say how many.
    first = "1" if len(left) == 1 and left[0].left == 1 else "0"
    written = {} if refused is None else dict(request.POST.items())
    context = {
        "order": order,
        "lines": [(one, written.get(f"units-{one.line.pk}", first)) for one in left],
        "is_too_late": requesting.is_too_late(order=order, now=now()),
        "form": form,
        "refused": refused,
        "most_photos": MOST_PHOTOS,
    }
    status = refused.status if refused else 200
    return render(request, "returns/new.html", context, status=status)
