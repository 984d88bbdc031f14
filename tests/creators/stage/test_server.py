"""The same doors on the real server, over real sockets."""

import json
import uuid
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from creators.live import services as live
from creators.stage.wire import Close
from tests.creators.stage.conftest import cookie_of

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def page(site, show, user=None, *, resume=None, origin=None):
    """Open a live page's socket; yields it with the client that may sign out."""
    headers, client = {}, None
    if user is not None:
        (_, cookie), client = cookie_of(user)
        headers["Cookie"] = cookie.decode()
    address = f"{site.url.replace('http', 'ws', 1)}/ws/live/{show.pk}/"
    with connect(
        address, origin=site.url if origin is None else origin, additional_headers=headers
    ) as socket:
        socket.send(json.dumps({"t": "resume", "rooms": resume or {}}))
        yield socket, client
        # Until the server has done all it was asked for: the database is emptied after the test.
        with suppress(ConnectionClosed):
            socket.send(json.dumps({"t": "ping"}))
            hear(socket, "pong")


def hear(socket, kind, *, seconds=10):
    while True:
        message = json.loads(socket.recv(timeout=seconds))
        if message.get("t", "frame") == kind:
            return message


def hear_event(socket, kind):
    while True:
        for event in hear(socket, "frame")["events"]:
            if event["t"] == kind:
                return event


def hear_close(socket, *, seconds):
    try:
        while True:
            socket.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def test_a_foreign_origin_gets_403(site, show):
    with pytest.raises(InvalidStatus) as refused, page(site, show, origin="https://evil.example"):
        pass

    assert refused.value.response.status_code == 403


def test_a_megabyte_closes_the_socket(site, show, alice):
    with page(site, show, alice) as (socket, _):
        hear(socket, "snapshot")
        socket.send("x" * 1_000_000)

        # daphne itself stops reading above the cap that it was given, and says no code.
        with pytest.raises(ConnectionClosed):
            hear(socket, "never")


def test_a_line_goes_from_one_browser_to_another(site, show, alice, erin):
    with page(site, show, alice) as (writer, _), page(site, show, erin) as (reader, _):
        hear(reader, "snapshot")
        writer.send(json.dumps({"t": "chat", "client_id": str(uuid.uuid4()), "body": "hello"}))

        assert hear_event(reader, "chat")["line"]["body"] == "hello"


def test_a_socket_that_was_away_gets_exactly_what_it_missed(site, show, product, bob, now):
    acts = {"piece_id": show.pk, "by": bob, "now": now}
    with page(site, show) as (socket, _):
        told = hear(socket, "snapshot")
        live.pin(product_id=product.pk, **acts)
        first = hear_event(socket, "pinned")
    live.unpin(**acts)
    live.pin(product_id=product.pk, **acts)
    live.end_show(**acts)

    position = {"live": {"epoch": told["epoch"], "seq": first["seq"]}}
    with page(site, show, resume=position) as (socket, _):
        missed = []
        while "show_ended" not in [event["t"] for event in missed]:
            missed += json.loads(socket.recv(timeout=10))["events"]

    kinds = [event["t"] for event in missed if event["t"] != "counts"]
    assert kinds == ["unpinned", "pinned", "show_ended", "picture"]
    assert [event["seq"] for event in missed] == list(
        range(first["seq"] + 1, first["seq"] + 1 + len(missed))
    )


def test_signing_out_closes_the_socket_within_two_seconds(site, show, alice):
    with page(site, show, alice) as (socket, client):
        hear(socket, "snapshot")
        client.post("/accounts/logout/")

        assert hear_close(socket, seconds=2) == Close.SIGNED_OUT
