"""The doors for the providers' webhooks."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shops.facts.refused import Refused
from shops.payments import providers, services

MAX_BODY = 65_536


@csrf_exempt
@require_POST
def sandbox(request: HttpRequest) -> HttpResponse:
    if not settings.PAYMENTS_SANDBOX_SECRET:
        raise Http404  # switched off
    return _take_in(request, "sandbox")


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Http404  # switched off; anybody could sign with an empty secret
    return _take_in(request, "stripe")


def _take_in(request: HttpRequest, provider: str) -> HttpResponse:
    """Take in a signed message; 204 when done (or known, or of no interest), else why not."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return _no("too_large", 413)
    try:
        message_id = providers.provider_of(provider).verify(headers=request.headers, body=body)
        services.take_in(provider=provider, message_id=message_id, body=body, now=datetime.now(UTC))
    except providers.BadSignature:
        return _no("bad_signature", 400)
    except providers.Unreadable:
        return _no("invalid", 400)
    except Refused as refused:
        return _no(refused.code, refused.status, refused.retry_after)
    return HttpResponse(status=204)


def _no(code: str, status: int, retry_after: int | None = None) -> JsonResponse:
    answer = JsonResponse(
        {"code": code, "status": status}, status=status, content_type="application/problem+json"
    )
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer
