"""Without a pool of ours (PgBouncer hands one server connection to many) nothing may stay behind.

PgBouncer in transaction mode is played by two clients whose transactions go by the same connection.
"""

import pytest
from django.db import connection

from shops.facts.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def _timeout(wrapper):
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        return cursor.fetchone()[0]


def _client():
    assert not connection.settings_dict["OPTIONS"].get("pool")
    return DatabaseWrapper(connection.settings_dict, alias="default")


def test_what_a_batcher_asks_for_is_not_everybodys():
    batcher, request = _client(), _client()
    batcher.lock_seconds = 3.0
    try:
        batcher.connect()
        request.connect()
        own, request.connection = request.connection, batcher.connection
        assert _timeout(request) == "0"
        request.connection = own
    finally:
        request.close()
        batcher.close()


def test_a_batchers_transaction_is_limited_by_whichever_connection_it_goes(monkeypatch):
    batcher, other = _client(), _client()
    batcher.lock_seconds = 3.0
    try:
        batcher.connect()
        other.connect()
        # Its next transaction gets another connection to the server.
        batcher.connection, other.connection = other.connection, batcher.connection
        batcher.set_autocommit(False)
        assert _timeout(batcher) == "3s"
        batcher.rollback()
        batcher.set_autocommit(True)
        assert _timeout(batcher) == "0"
    finally:
        other.close()
        batcher.close()
