"""Every test process has servers of its own."""

import os

import pytest
import redis
from django.conf import settings
from django.db import connection

from tests.embedded_plugin import with_database


@pytest.mark.django_db
def test_the_database_of_the_tests_is_a_private_postgresql_in_utc_and_utf8() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        assert cursor.fetchone() == ("UTF8",)
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone()[0].startswith("test_")


def test_a_worker_of_xdist_has_its_own_valkey_database() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    client = redis.Redis.from_url(settings.REDIS_URL)
    try:
        assert client.ping()
        expected = 0 if worker is None else int(worker.removeprefix("gw")) + 1
        assert client.connection_pool.connection_kwargs["db"] == expected
    finally:
        client.close()


def test_the_database_number_is_added_to_every_kind_of_address() -> None:
    assert (
        with_database("unix:///a%20b/valkey.sock?db=0", add=2) == "unix:///a%20b/valkey.sock?db=2"
    )
    assert with_database("redis://host:6379", add=1) == "redis://host:6379/1"
    assert with_database("redis://host:6379/3", add=2) == "redis://host:6379/5"
