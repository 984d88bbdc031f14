"""What the room's views have in common: who asks, what was sent, and one effect per key."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from shops.accounts.models import User
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.facts.pictures import Picture
from shops.facts.refused import Invalid
from shops.ledger.money import parse_minor
from shops.returns.deciding import BadAmount
from shops.returns.photos import pictures_from

_WHOLE = re.compile(r"[0-9]{1,6}")


def user_of(request: HttpRequest) -> User:
    """Give the signed-in user of a view that asks for one."""
    return cast(User, request.user)


def for_program(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def now() -> datetime:
    return datetime.now(UTC)


def once(
    request: HttpRequest,
    *,
    scope: str,
    effect: Callable[[], Any],
    pictures: list[Picture] | None = None,
    page: Callable[[Any], str],
    said: str = "",
) -> HttpResponse:
    """Carry out a form's or a program's wish once per key, and lead to its page (or answer JSON).

    The scope is the operation and what it is done to; the user comes in here. People are told
    what was `said`.
    """

    def answered() -> Answer:
        return Answer(201, {"url": page(effect())})

    body: dict[str, Any] = {
        name: request.POST.getlist(name)
        for name in request.POST
        if name not in ("csrfmiddlewaretoken", "idempotency_key")
    }
    body["pictures"] = [sha256(picture.webp).hexdigest() for picture in pictures or []]
    answer = with_key(
        scope=f"{scope}:{user_of(request).pk}",
        key=request.headers.get(HEADER) or request.POST.get("idempotency_key", ""),
        body=body,
        effect=answered,
    )
    if for_program(request):
        return JsonResponse(dict(answer.body), status=answer.status)
    if said:
        messages.success(request, said)
    return redirect(answer.body["url"])


def pictures_of(request: HttpRequest) -> list[Picture]:
    return pictures_from([file for file in request.FILES.getlist("photos") if file])


def numbers(request: HttpRequest, prefix: str) -> Mapping[int, int]:
    """Read fields named `<prefix>-<id>` as whole numbers; empty means zero."""
    found: dict[int, int] = {}
    for name, text in request.POST.items():
        head, _dash, key = name.rpartition("-")
        if head != prefix or not key.isdecimal() or len(key) > 18:
            continue
        value = str(text).strip() or "0"
        if not _WHOLE.fullmatch(value):
            raise Invalid(_("The quantity must be a whole number."))
        found[int(key)] = int(value)
    return found


def amount(request: HttpRequest, currency: str) -> int:
    """Read the field `amount` as money of a currency, in its minor units.

    :raises BadAmount: it is none, or has more decimals than the currency
    """
    text = request.POST.get("amount", "").strip()
    # Who writes a comma means the point; grouped thousands are nobody's guess.
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return parse_minor(text, currency)
    except ValueError:
        raise BadAmount from None
