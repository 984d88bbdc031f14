"""The door for the provider's webhooks."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from shops.facts.refused import Refused
from shops.payments import services

MAX_BODY = 65_536


@csrf_exempt
@require_POST
def sandbox_webhook(request: HttpRequest) -> HttpResponse:
    """Take in a signed message; 204 when done (or known, or of no interest), else why not."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return _no("too_large", 413)
    try:
        Webhook(settings.PAYMENTS_SANDBOX_SECRET).verify(
            body, dict(request.headers), json_parse=False
        )
    except (WebhookVerificationError, ValueError):
        # ValueError: a header or body that can't even be read as what it should be.
        return _no("bad_signature", 400)
    try:
        services.take_in(message_id=request.headers["webhook-id"], body=body, now=datetime.now(UTC))
    except Refused as refused:
        return _no(refused.code, refused.status)
    return HttpResponse(status=204)


def _no(code: str, status: int) -> JsonResponse:
    return JsonResponse(
        {"code": code, "status": status}, status=status, content_type="application/problem+json"
    )
