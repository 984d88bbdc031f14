"""Each request gets an id, a line in the log, and is counted."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from shops.facts.proxies import is_proxy
from shops.facts.tracing import KEY, is_sane, new_id, serving

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"
# As Django names it: most requests need no list of their headers.
_HEADER_HERE: Final = "HTTP_X_REQUEST_ID"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by machines; one line each would bury the others.
QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
NO_VIEW: Final = "(none)"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_requests = Counter("liveshop_http_requests", "Answered requests.", ["view", "method", "status"])
_seconds = Histogram(
    "liveshop_http_request_seconds", "Until the answer began.", ["view"], buckets=_SECONDS
)


# To find what counts takes as long as to count.
@cache
def _counter(view: str, method: str, status: int) -> Counter:
    return _requests.labels(view, method, status)


@cache
def _histogram(view: str) -> Histogram:
    return _seconds.labels(view)


class TrafficMiddleware:
    """The outermost one: it sees each answer as the client will."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = _id_of(request)
        # Django logs failures after this block; the filter finds the id here then.
        request.META[KEY] = name
        began = time.perf_counter()
        with serving(name):
            response = self.get_response(request)
            took = time.perf_counter() - began
            response.headers[HEADER] = name
            _count(request, response, took)
        return response


def _id_of(request: HttpRequest) -> str:
    """Take over the id that one of our proxies gave the request, else make one up."""
    given: str = request.META.get(_HEADER_HERE, "")
    if given and is_sane(given) and is_proxy(request.META.get("REMOTE_ADDR", "")):
        return given
    return new_id()


def _count(request: HttpRequest, response: HttpResponse, took: float) -> None:
    match = request.resolver_match
    is_file = request.path.startswith(settings.STATIC_URL)
    if match is not None:
        view, route = match.view_name or f"/{match.route}", f"/{match.route}"
    elif request.path in QUIET:
        view = route = request.path
    else:
        view = route = "(static)" if is_file else NO_VIEW
    method = request.method if request.method in METHODS else "OTHER"
    _counter(view, method, response.status_code).inc()
    _histogram(view).observe(took)
    if request.path in QUIET or is_file:
        return
    ms = round(took * 1000, 1)
    log.info(
        "%s %s %s %s ms",
        method,
        route,
        response.status_code,
        ms,
        extra={"method": method, "route": route, "status": response.status_code, "ms": ms},
    )
