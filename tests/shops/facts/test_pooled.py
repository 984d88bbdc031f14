"""Of the pool's connections the one that was used last is used next, and none that has ended."""

import copy

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from shops.facts.postgresql.base import DatabaseWrapper
from shops.facts.postgresql.pooled import LastUsedFirst


@pytest.fixture
def wrapper(transactional_db):
    """A connection of Django's to the test's database, by a pool of two."""
    settings = copy.deepcopy(connection.settings_dict)
    settings["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 2, "timeout": 10}
    settings["CONN_MAX_AGE"] = 0
    found = DatabaseWrapper(settings)
    found.pool.open(wait=True, timeout=30)
    yield found
    found.close()
    found.close_pool()


def pid(wrapper):
    wrapper.ensure_connection()
    return wrapper.connection.info.backend_pid


def backends(pool):
    """Take all that rest out of the pool, in turn, and give them back."""
    taken = [pool.getconn() for _ in range(len(pool._pool))]
    for one in reversed(taken):
        pool.putconn(one)
    return [one.info.backend_pid for one in taken]


def test_one_after_the_other_uses_the_same_connection(wrapper):
    used = set()
    for _ in range(6):
        used.add(pid(wrapper))
        wrapper.close()

    assert len(used) == 1


def test_psycopgs_own_pool_takes_turns(wrapper):
    """The control."""
    pool = wrapper.pool
    pool.__class__ = ConnectionPool
    used = set()
    for _ in range(6):
        one = pool.getconn()
        used.add(one.info.backend_pid)
        pool.putconn(one)

    assert len(used) == 2


def test_what_was_given_back_last_stands_first_and_the_others_keep_their_order(wrapper):
    pool = wrapper.pool
    one, two = pool.getconn(), pool.getconn()
    pool.putconn(two)
    pool.putconn(one)

    assert backends(pool) == [one.info.backend_pid, two.info.backend_pid]
    assert pool._pool[0] is two


def test_what_rests_longest_is_given_up(wrapper):
    pool = wrapper.pool
    pool._min_size = 1
    one, two = pool.getconn(), pool.getconn()
    pool.putconn(one)
    pool.putconn(two)
    pool._nconns_min = 1
    pool._shrink_pool()

    assert (one.closed, two.closed) == (True, False)


def test_a_connection_that_the_server_ended_is_replaced(wrapper):
    ended = pid(wrapper)
    wrapper.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])

    assert pid(wrapper) != ended
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_unseen_the_same_would_fail(wrapper, monkeypatch):
    """The control."""
    monkeypatch.setattr("shops.facts.postgresql.pooled._is_alive", lambda one: True)
    ended = pid(wrapper)
    wrapper.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])

    assert pid(wrapper) == ended
    with pytest.raises(psycopg.OperationalError):
        wrapper.connection.execute("SELECT 1")


def test_the_pool_is_of_our_kind(wrapper):
    assert type(wrapper.pool) is LastUsedFirst
