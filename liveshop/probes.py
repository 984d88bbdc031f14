"""What machines ask of a web or stage process: is it alive, is it ready, what does it measure."""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address
from typing import Final

import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseNotFound,
    JsonResponse,
)
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# Their figures are there from the first question on, whatever was served before.
from creators.chat import metrics as _chat  # noqa: F401
from creators.stage import metrics as _stage  # noqa: F401
from creators.stage.valkey import Valkey

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5
VALKEY_SECONDS: Final = 0.5
# Who came through anything else is not on this machine, whatever the connection says.
FORWARDED: Final = (
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Via",
)
_JOBS = """
SELECT coalesce(scheduled_at, now()) <= now() AS is_due, count(*)
FROM procrastinate_jobs WHERE status = 'todo' GROUP BY 1
"""


class ProbesMiddleware:
    """Answers before all that could refuse a load balancer: its host name, or plain http."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path)
        if probe is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = probe(request)
        response.headers["Cache-Control"] = "no-store"
        return response


def livez(request: HttpRequest) -> HttpResponse:
    """Say that the process answers; it asks nobody."""
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether requests may be sent here: the database answers and has this code's tables.

    Without Valkey the stage is degraded and everything can still be bought, so that is ready.
    """
    database = _asks_database()
    migrations = _migrations.state() if database else "unknown"
    is_ready = database and migrations == "ok"
    checks = {
        "database": "ok" if database else "down",
        "migrations": migrations,
        "valkey": "ok" if _asks_valkey() else "down",
    }
    if is_ready:
        state = "ready" if checks["valkey"] == "ok" else "degraded"
        return JsonResponse({"status": state, "checks": checks})
    return JsonResponse(
        {"status": "not ready", "checks": checks},
        status=503,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """Give this process's figures to who is on this machine or has the token."""
    if not (_is_loopback(request) or _has_token(request)):
        return HttpResponseNotFound()
    text = generate_latest(REGISTRY) + generate_latest(_on_demand)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


PROBES: Final = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


# --- Is it ready ------------------------------------------------------------------------------


def _asks_database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except Error as error:
        log.warning("not ready: the database does not answer: %s", error)
        return False


class _Migrations:
    """Whether all are applied; asked until they are, as code does not change while it runs."""

    def __init__(self) -> None:
        self._are_applied = False

    def state(self) -> str:
        if not self._are_applied:
            try:
                executor = MigrationExecutor(connection)
                wanted = executor.loader.graph.leaf_nodes()
                self._are_applied = not executor.migration_plan(wanted)
            except Error as error:
                log.warning("not ready: the migrations could not be read: %s", error)
                return "unknown"
        return "ok" if self._are_applied else "missing"


_migrations = _Migrations()


@cache
def _valkey() -> Valkey:
    return Valkey(timeout=VALKEY_SECONDS)


def _asks_valkey() -> bool:
    try:
        return bool(_valkey().anywhere("PING"))
    except redis.RedisError:
        return False


# --- Who may read the figures -----------------------------------------------------------------


def _is_loopback(request: HttpRequest) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(given, wanted)


# --- Figures that are asked for, not counted ----------------------------------------------------


class _Stores(Collector):
    """Jobs that wait (of the whole site) and this process's pool of database connections."""

    def collect(self) -> Iterator[Metric]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_JOBS)
                found = dict(cursor.fetchall())
        except Error as error:
            log.warning("waiting jobs were not counted: %s", error)
        else:
            jobs = GaugeMetricFamily("liveshop_jobs_waiting", "Jobs to do.", labels=["when"])
            jobs.add_metric(["due"], found.get(True, 0))
            jobs.add_metric(["later"], found.get(False, 0))
            yield jobs
        wrapper = connections[DEFAULT_DB_ALIAS]
        if isinstance(wrapper, DatabaseWrapper) and wrapper.pool is not None:
            figures = wrapper.pool.get_stats()
            pool = GaugeMetricFamily(
                "liveshop_database_pool", "This process's connections.", labels=["state"]
            )
            for state, key in (
                ("open", "pool_size"),
                ("idle", "pool_available"),
                ("most", "pool_max"),
                ("waited_for", "requests_waiting"),
            ):
                pool.add_metric([state], figures.get(key, 0))
            yield pool


_on_demand = CollectorRegistry()
_on_demand.register(_Stores())
