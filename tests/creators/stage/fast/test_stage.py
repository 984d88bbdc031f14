"""`manage.py stage`: the whole site over real sockets, from the first request to the last close."""

import json

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from creators.live.services import schedule_show
from creators.profiles.models import Creator
from tests.creators.stage.conftest import cookie_of
from tests.servers import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(transactional_db, tmp_path):
    """The web part alone, on the stage's own server."""
    stage = Site(logs=tmp_path, server="uvicorn")
    try:
        yield stage.start("web")
    finally:
        stage.stop()


def hear(socket, kind):
    while (said := json.loads(socket.recv(timeout=10))).get("t") != kind:
        pass
    return said


def closed_with(socket):
    try:
        while True:
            socket.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def test_a_process_from_its_first_request_to_its_end(stage, alice, bob, now):
    show = schedule_show(
        creator=Creator.objects.get(user=bob), title="Lamps", scheduled_at=now, now=now
    )
    address = stage.url.replace("http", "ws", 1)
    (_, cookie), _ = cookie_of(alice)
    alices = {"Cookie": cookie.decode()}

    assert httpx.get(f"{stage.url}/").status_code == 200
    for path, origin in (("/ws/me/", "https://evil.example"), ("/ws/other/", stage.url)):
        with pytest.raises(InvalidStatus) as refused, connect(f"{address}{path}", origin=origin):
            pass
        assert refused.value.response.status_code == 403

    with (
        connect(f"{address}/ws/live/{show.pk}/", origin=stage.url) as guests,
        connect(f"{address}/ws/me/", origin=stage.url, additional_headers=alices) as alices_own,
        connect(f"{address}/ws/live/{2**50}/", origin=stage.url) as nowhere,
    ):
        assert "permessage-deflate" in guests.response.headers["Sec-WebSocket-Extensions"]
        guests.send('{"t": "resume"}')
        snapshot = hear(guests, "snapshot")
        assert (snapshot["room"], snapshot["state"]["show"]["title"]) == ("live", "Lamps")
        alices_own.send(['{"t": "re', 'sume"}'])
        assert hear(alices_own, "snapshot")["room"] == "me"
        alices_own.send('{"t": "ping"}')
        assert hear(alices_own, "pong")["at"]

        stage.end("web")

        codes = [closed_with(socket) for socket in (guests, alices_own, nowhere)]
        assert codes == [1012, 1012, 4404]
    log = stage.log("web")
    assert f"The stage serves {stage.url}/" in log
    assert "ERROR" not in log
    assert "Traceback" not in log
