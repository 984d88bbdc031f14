"""The API's entry: errors as RFC 9457 problem details."""

from typing import Any

from django.http import HttpResponseBase, JsonResponse
from rest_framework.views import exception_handler

from liveshop.middleware import problem
from shops.facts.refused import Refused


def problem_details(exc: Exception, context: dict[str, Any]) -> HttpResponseBase | None:
    """Turn whatever a view of the API raised into `application/problem+json`."""
    if isinstance(exc, Refused):
        return JsonResponse(
            problem(exc), status=exc.status, content_type="application/problem+json"
        )
    response = exception_handler(exc, context)
    if response is None:
        return None
    return JsonResponse(
        {
            "type": "about:blank",
            "title": response.reason_phrase,
            "status": response.status_code,
            "errors": response.data,
        },
        status=response.status_code,
        content_type="application/problem+json",
        headers={k: v for k, v in response.headers.items() if k in ("Retry-After", "Allow")},
    )
