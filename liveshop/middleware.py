"""A refusal of any view becomes an answer that its caller can read."""

from collections.abc import Callable
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from shops.facts.refused import Invalid, Refused


def problem(refused: Refused) -> dict[str, object]:
    """Describe a refusal as RFC 9457 problem details."""
    return {
        "type": f"/problems/{refused.code}",
        "title": str(refused),
        "status": refused.status,
        "code": refused.code,
        **refused.extra,
    }


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or "application/json" in request.headers.get(
        "Accept", ""
    )


class RefusedMiddleware:
    """Problem details for programs; for people a message on the page they came from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method == "GET":
            return self._page_for(request, response)
        return response

    @staticmethod
    def _page_for(request: HttpRequest, response: HttpResponseNotAllowed) -> HttpResponse:
        """Say what to do to who opened a form's address: browsers show nothing for a bare 405."""
        if wants_json(request):
            return response
        page = render(request, "405.html", status=response.status_code)
        page.headers["Allow"] = response.headers["Allow"]
        return page

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refuse NUL, which is in no text and which PostgreSQL can't store."""
        if getattr(view, "csrf_exempt", False):  # a program's door; it reads the body itself
            return None
        in_query = bool(request.META.get("QUERY_STRING")) and _has_nul(request.GET)
        if in_query or "\0" in request.path or _has_nul(request.POST):
            return self.process_exception(request, Invalid())
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        headers = {"Retry-After": str(exception.retry_after)} if exception.retry_after else {}
        if wants_json(request):
            return JsonResponse(
                problem(exception),
                status=exception.status,
                content_type="application/problem+json",
                headers=headers,
            )
        back = request.headers.get("Referer", "")
        came_from_here = url_has_allowed_host_and_scheme(
            back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        if request.method == "POST" and came_from_here:
            messages.error(request, str(exception))
            return redirect(back)
        return render(request, "refused.html", {"refused": exception}, status=exception.status)


def _has_nul(given: QueryDict) -> bool:
    return any("\0" in value for _, values in given.lists() for value in values)


class PolicyMiddleware(CSPMiddleware):
    """django-csp's; the site's own policy is put together once, not for each answer."""

    _made: tuple[object, str] = (None, "")

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_special = " _csp" in " ".join(("", *vars(request), *vars(response)))
        if is_special or settings.DEBUG:
            return super().process_response(request, response)
        site = settings.CONTENT_SECURITY_POLICY
        if self._made[0] is not site:
            self._made = (site, build_policy())
        response.headers.setdefault(HEADER, self._made[1])
        return response
