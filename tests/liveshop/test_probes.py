"""What machines ask of a process: alive, ready, figures."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from liveshop import probes

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_database(monkeypatch):
    def refuse():
        raise OperationalError("the server said postgresql://user:hush@db.example is away")

    monkeypatch.setattr(connection, "cursor", refuse)


@pytest.fixture
def no_valkey(settings):
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock"
    probes._valkey.cache_clear()
    yield
    probes._valkey().close()
    probes._valkey.cache_clear()


# --- Alive ------------------------------------------------------------------------------------


def test_alive_asks_nobody(client, no_database, no_valkey):
    answer = client.get("/livez")

    assert (answer.status_code, answer.text) == (200, "alive\n")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_load_balancer_needs_neither_https_nor_our_host_name(settings, path):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["liveshop.example"]
    balancer = Client()

    assert balancer.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200
    # The control: a page does.
    assert balancer.get("/", headers={"Host": "liveshop.example"}).status_code == 301


def test_probes_are_only_read(client):
    answer = client.post("/livez")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


# --- Ready ------------------------------------------------------------------------------------


def test_ready(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "valkey": "ok"},
    }


def test_without_valkey_it_is_degraded_and_still_ready(client, no_valkey):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["valkey"] == "down"


def test_without_the_database_it_is_not_ready_and_tells_no_secret(client, no_database):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["checks"]["database"] == "down"
    assert "hush" not in answer.text


def test_with_a_migration_missing_it_is_not_ready_until_it_is_applied(client, monkeypatch):
    monkeypatch.setattr(probes, "_migrations", probes._Migrations())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'chat'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "missing")


def test_applied_migrations_are_not_asked_for_again(client, django_assert_num_queries):
    client.get("/readyz")
    with django_assert_num_queries(1):
        client.get("/readyz")


# --- Figures ----------------------------------------------------------------------------------


def test_the_figures_are_for_this_machine(client, settings):
    settings.METRICS_TOKEN = ""
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for name in (
        "liveshop_stage_connections",
        "liveshop_stage_rooms",
        "liveshop_stage_queue_events",
        "liveshop_stage_deliveries_total",
        "liveshop_stage_latency_seconds_bucket",
        "liveshop_http_requests_total",
        'liveshop_jobs_waiting{when="due"}',
        "python_gc_objects_collected_total",
    ):
        assert f"\n{name}" in answer.text


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"],
)
def test_who_comes_through_a_proxy_is_not_on_this_machine(client, header):
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("10.0.0.7", 404),
        ("8.8.8.8", 404),
        ("", 404),
        ("localhost", 404),
    ],
    ids=str,
)
def test_the_address_decides(client, address, status):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    ("token", "said", "status"),
    [
        ("hush", "Bearer hush", 200),
        ("hush", "bearer hush", 200),
        ("hush", "Bearer hus", 404),
        ("hush", "Basic hush", 404),
        ("hush", "", 404),
        ("", "Bearer ", 404),
        ("", "", 404),
    ],
)
def test_elsewhere_one_needs_the_token(client, settings, token, said, status):
    settings.METRICS_TOKEN = token
    headers = {"Authorization": said, "X-Forwarded-For": "8.8.8.8"}

    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers=headers).status_code == status


def test_figures_do_without_the_database(client, no_database):
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert "liveshop_jobs_waiting" not in answer.text
    assert "liveshop_stage_rooms" in answer.text
