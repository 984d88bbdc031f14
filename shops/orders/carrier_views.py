"""The door for carriers, who tell how parcels stand."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from shops.facts.refused import Refused
from shops.orders import services
from shops.orders.carriers import BadTracking, checked
from shops.orders.models import ParcelState

_MAX_BODY: Final = 16_384


class News(msgspec.Struct, frozen=True):
    """What a carrier tells of one parcel; `note` is for people."""

    carrier: str
    tracking_number: str
    state: str
    note: str = ""


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Take in a signed message (Standard Webhooks); 204 when done or known, else why not.

    Nothing leads back in the life of a parcel, so that a message which comes twice, late or out of
    order changes nothing.
    """
    if not settings.CARRIER_WEBHOOK_SECRET:
        return _no("no_carriers", 404)
    body = request.read(_MAX_BODY + 1)
    if len(body) > _MAX_BODY:
        return _no("too_large", 413)
    try:
        Webhook(settings.CARRIER_WEBHOOK_SECRET).verify(
            body, dict(request.headers), json_parse=False
        )
    except (WebhookVerificationError, ValueError):
        # ValueError: a header or body that can't even be read as what it should be.
        return _no("bad_signature", 400)
    try:
        news = msgspec.json.decode(body, type=News)
        state = ParcelState(news.state)
        number = checked(news.carrier, news.tracking_number)
    except (msgspec.MsgspecError, ValueError, BadTracking):
        return _no("invalid", 400)
    if "\x00" in news.note:
        return _no("invalid", 400)
    try:
        services.parcels_moved(
            carrier=news.carrier,
            tracking_number=number,
            to=state,
            reason=news.note,
            now=datetime.now(UTC),
        )
    except Refused as refused:
        return _no(refused.code, refused.status)
    return HttpResponse(status=204)


def _no(code: str, status: int) -> JsonResponse:
    return JsonResponse(
        {"code": code, "status": status}, status=status, content_type="application/problem+json"
    )
