"""The servers run exactly as long as somebody holds a lease, however it ends."""

import os
import signal

import psycopg
import pytest
import redis

from liveshop import embedded
from tests.liveshop.embedded.conftest import (
    keeper_of,
    postmaster_of,
    processes_of,
    query,
    wait_until,
)


def test_the_addresses_are_known_without_anything_being_started(state):
    urls = embedded.urls(state)

    assert urls.database.startswith("postgresql://")
    assert urls.redis.startswith("unix:///")
    assert not state.exists()


def test_both_servers_answer_during_a_lease_and_are_gone_after_it(state):
    with embedded.lease(state, fast=True) as lease:
        assert lease.urls == embedded.urls(state)
        assert query(state, "SELECT current_database()") == "liveshop"
        with redis.Redis.from_url(lease.urls.redis) as client:
            assert client.ping()

    # The lease ended after the servers; their keeper itself needs a blink longer.
    assert all(process.is_keeper for process in processes_of(state))
    wait_until(lambda: processes_of(state) == [])


@pytest.mark.usefixtures("started_before")
def test_the_servers_listen_on_no_port(state):
    with embedded.lease(state, fast=True) as lease:
        assert query(state, "SHOW listen_addresses") == ""
        with redis.Redis.from_url(lease.urls.redis) as client:
            assert client.config_get("port") == {"port": "0"}


@pytest.mark.usefixtures("started_before")
def test_no_server_ever_runs_as_root(state):
    with embedded.lease(state, fast=True):
        servers = [process for process in processes_of(state) if not process.is_keeper]
        assert any(server.is_postmaster for server in servers)
        assert any("valkey" in server.command for server in servers)
        assert all(server.uid != 0 for server in servers)


def test_the_database_sorts_alike_everywhere_though_the_caller_has_no_language(state, hold):
    bare = hold(env={"PATH": os.environ["PATH"]})
    bare.wait_until_up()

    assert query(state, "SHOW server_encoding") == "UTF8"
    assert query(state, "SHOW timezone") == "UTC"
    kind = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'liveshop'"
    assert query(state, kind) == "bC.UTF-8"
    assert query(state, "SELECT upper('é')") == "É"


@pytest.mark.usefixtures("started_before")
def test_the_data_are_kept_from_lease_to_lease(state):
    with embedded.lease(state):
        query(state, "CREATE TABLE kept AS SELECT 42 AS answer")

    with embedded.lease(state):
        assert query(state, "SELECT answer FROM kept") == 42


def test_processes_that_start_at_once_share_one_pair_of_servers(state, hold):
    holders = [hold() for _ in range(6)]
    for holder in holders:
        holder.wait_until_up()

    postmaster = postmaster_of(state)
    keeper_of(state)
    for holder in holders[1:]:
        holder.let_go()
    assert postmaster_of(state) == postmaster
    assert query(state, "SELECT 1") == 1
    holders[0].let_go()
    wait_until(lambda: processes_of(state) == [])


@pytest.mark.usefixtures("started_before")
def test_leases_that_come_and_go_never_meet_a_server_that_is_leaving(state):
    for _ in range(5):
        with embedded.lease(state, fast=True):
            assert query(state, "SELECT 1") == 1


@pytest.mark.usefixtures("started_before")
def test_the_servers_end_when_their_only_client_is_killed(state, hold):
    holder = hold()
    holder.wait_until_up()
    assert processes_of(state)

    holder.kill()

    wait_until(lambda: processes_of(state) == [])


def test_the_servers_end_when_their_client_is_killed_while_they_start(state, hold):
    holder = hold()
    wait_until(lambda: any(process.is_keeper for process in processes_of(state)))

    holder.kill()

    wait_until(lambda: processes_of(state) == [])
    with embedded.lease(state):
        assert query(state, "SELECT 1") == 1


@pytest.mark.usefixtures("started_before")
def test_the_servers_end_with_a_killed_keeper_and_the_next_start_recovers(state, hold):
    with embedded.lease(state) as lost:
        query(state, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert not lost.is_lost
        os.kill(keeper_of(state).pid, signal.SIGKILL)
        wait_until(lambda: lost.is_lost)

        with embedded.lease(state):
            assert query(state, "SELECT answer FROM kept") == 42

    wait_until(lambda: processes_of(state) == [])


@pytest.mark.usefixtures("started_before")
def test_nothing_is_left_of_a_killed_keeper(state):
    with embedded.lease(state, fast=True):
        os.kill(keeper_of(state).pid, signal.SIGKILL)
        wait_until(lambda: processes_of(state) == [])


@pytest.mark.usefixtures("started_before")
def test_a_killed_postgresql_comes_back_with_its_data(state):
    with embedded.lease(state) as lease:
        query(state, "CREATE TABLE kept AS SELECT 42 AS answer")
        killed = postmaster_of(state)
        os.kill(killed.pid, signal.SIGKILL)

        wait_until(
            lambda: any(
                process.is_postmaster and process.pid != killed.pid
                for process in processes_of(state)
            )
        )
        wait_until(lambda: _answers(state))
        assert query(state, "SELECT answer FROM kept") == 42
        assert not lease.is_lost


@pytest.mark.usefixtures("started_before")
def test_the_next_start_recovers_after_keeper_and_postgresql_were_killed(state):
    with embedded.lease(state) as lost:
        query(state, "CREATE TABLE kept AS SELECT 42 AS answer")
        postmaster = postmaster_of(state)
        os.kill(keeper_of(state).pid, signal.SIGKILL)
        os.kill(postmaster.pid, signal.SIGKILL)
        wait_until(lambda: lost.is_lost)

    with embedded.lease(state):
        assert query(state, "SELECT answer FROM kept") == 42


@pytest.mark.usefixtures("started_before")
def test_data_in_use_are_not_forgotten(state):
    with (
        embedded.lease(state, fast=True),
        pytest.raises(embedded.EmbeddedError, match="in use"),
    ):
        embedded.reset(state)


@pytest.mark.usefixtures("started_before")
def test_a_reset_forgets_the_data(state):
    with embedded.lease(state, fast=True):
        query(state, "CREATE TABLE kept AS SELECT 42 AS answer")
    embedded.reset(state)

    with embedded.lease(state, fast=True):
        assert query(state, "SELECT to_regclass('kept')") is None


def _answers(state):
    try:
        return query(state, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False
