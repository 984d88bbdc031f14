"""What a hostile client may try on the real servers, and what it gets."""

import contextlib
import json
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from django.contrib.sessions.models import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from creators.chat.models import Message, Moderator, Sanction
from creators.stage import wire
from creators.stage.wire import Close
from tests.doors import Visitor
from tests.factories.accounts import UserFactory
from tests.raw_socket import BINARY, CONTINUATION, PING, TEXT, RawSocket
from tests.servers import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def processes(site_processes, tmp_path_factory):
    """processes(server, **settings) gives a process beside the site's, on the same database."""
    started = {}

    def process(name, server, **settings):
        if name not in started:
            other = Site(logs=tmp_path_factory.mktemp(name), server=server, settings=settings)
            started[name] = other
            other.start("web")
        return started[name]

    yield process
    for other in started.values():
        other.stop()


@pytest.fixture(
    params=[
        "daphne",
        "uvicorn",
        pytest.param("plain daphne", marks=pytest.mark.campaign),
        pytest.param("plain uvicorn", marks=pytest.mark.campaign),
    ]
)
def door(request, site, processes):
    """Each server on its fast path; in the campaign by plain ASGI, too."""
    match request.param:
        case "daphne":
            return site
        case "uvicorn":
            return processes("stage", "uvicorn")
        case name:
            return processes(name.replace(" ", "-"), name.split()[1], STAGE_FAST_PATH="off")


@contextlib.contextmanager
def page(door, show, user=None, *, rooms=None):
    """An open page: its socket, which has its first snapshot."""
    with Visitor(door, user) as visitor, visitor.socket(f"/ws/live/{show.pk}/") as socket:
        socket.visitor = visitor
        socket.send({"t": "resume", "rooms": rooms or {}})
        socket.until(lambda seen: seen.get("t") == "snapshot" and seen["room"] == "live")
        yield socket
        # The database is emptied next: let the server end what it was asked for.
        with contextlib.suppress(ConnectionClosed, TimeoutError, AssertionError):
            socket.send({"t": "ping"})
            socket.event("pong")


def chat(body="hello", **more):
    return {"t": "chat", "client_id": str(uuid.uuid4()), "body": body, **more}


def closed_with(socket, *, seconds=10):
    try:
        while True:
            socket.next(seconds)
    except ConnectionClosed as closed:
        # daphne's own way has private twins for the codes that it can't send.
        code = closed.rcvd.code
        return 1000 + code % 1000 if 4000 <= code < 4100 else code


def raw(door, show, user=None, **kwargs):
    with Visitor(door, user) as visitor:
        cookie = "; ".join(f"{one.name}={one.value}" for one in visitor.http.cookies.jar)
    return RawSocket(door.url, f"/ws/live/{show.pk}/", cookie=cookie, **kwargs)


# --- Who comes in -----------------------------------------------------------------------------


def test_only_our_own_pages_get_a_socket(door, show):
    for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null", ""):
        with raw(door, show, origin=origin) as refused:
            assert refused.status == 403, origin


def test_who_is_not_signed_in_only_watches(door, show, alice):
    made_up = RawSocket(door.url, f"/ws/live/{show.pk}/", cookie=f"sessionid={'a' * 32}")
    with made_up:
        made_up.send(b'{"t":"resume"}')
        assert json.loads(made_up.frame()[1])["you"]["role"] == "guest"
    with Visitor(door, alice) as visitor:
        Session.objects.update(expire_date=datetime.now(UTC) - timedelta(seconds=1))
        with visitor.socket(f"/ws/live/{show.pk}/") as socket:
            socket.send({"t": "resume"})
            assert socket.event("snapshot")["you"]["role"] == "guest"
    said = [
        chat(),
        {"t": "heart"},
        {"t": "ask", "client_id": str(uuid.uuid4()), "body": "how big?"},
        {"t": "vote", "question_id": 1},
        {"t": "delete_message", "message_id": 1},
        {"t": "mute", "user_id": 1},
        {"t": "unmute", "user_id": 1},
    ]
    with page(door, show) as socket:
        for message in said:
            socket.send(message)
        socket.send({"t": "ping"})
        socket.event("pong")

        errors = [frame for frame in socket.frames if frame.get("t") == "error"]
        assert [(error["re"], error["code"]) for error in errors] == [
            (message["t"], "sign_in") for message in said
        ]
    assert not Message.objects.exists()


# --- Who has to go ----------------------------------------------------------------------------


def test_who_is_nobody_any_more_has_to_go(door, show, alice, dave, erin):
    with (
        page(door, show, alice) as left,
        page(door, show, dave) as forgotten,
        page(door, show, erin) as shut_out,
    ):
        left.visitor.post("/accounts/logout/")
        # Nobody is told of these two.
        Session.objects.filter(
            pk=forgotten.visitor.http.cookies["sessionid"],
        ).delete()
        erin.is_active = False
        erin.save()

        assert closed_with(left) == Close.SIGNED_OUT
        assert closed_with(forgotten) == Close.SIGNED_OUT
        assert closed_with(shut_out) == Close.SIGNED_OUT


def test_a_ban_closes_what_is_open_and_lets_nobody_back_in(door, show, alice, bob):
    with page(door, show, alice) as socket, Visitor(door, bob) as host:
        answer = host.post(
            f"/live/{show.pk}/moderation/ban/",
            {"user": alice.pk, "scope": "show", "reason": "x"},
            json_answer=True,
        )
        assert answer.status_code < 400

        assert closed_with(socket) == Close.BANNED
        with socket.visitor.socket(f"/ws/live/{show.pk}/") as again:
            assert closed_with(again) == Close.BANNED
    assert Sanction.objects.get().user == alice


def test_a_moderator_who_is_none_any_more_comes_back_as_a_viewer(door, show, erin, bob):
    moderator = Moderator.objects.create(
        creator=bob.creator, user=erin, added_by=bob, at=datetime.now(UTC)
    )
    with page(door, show, erin) as socket:
        assert socket.until(lambda seen: seen.get("room") == "mods")
        moderator.delete()

        assert closed_with(socket) == Close.SERVICE_RESTART
    with page(door, show, erin) as socket:
        assert socket.frames[0]["you"]["role"] == "viewer"


# --- What is said -----------------------------------------------------------------------------

REFUSED = {
    "viewer": {"mute", "unmute", "caption", "delete_message"},
    "moderator": {"caption"},
    "host": set(),
}


def test_each_message_is_for_those_who_may(door, show, alice, erin, bob):
    """One of each kind, about what somebody else did."""
    other = UserFactory()
    Moderator.objects.create(creator=bob.creator, user=erin, added_by=bob, at=datetime.now(UTC))
    for role, user in (("viewer", alice), ("moderator", erin), ("host", bob)):
        line = Message.objects.create(
            piece_id=show.pk,
            author=other,
            client_id=uuid.uuid4(),
            body="x",
            sent_at=datetime.now(UTC),
        )
        with page(door, show, user) as socket:
            socket.send({"t": "mute", "user_id": other.pk, "seconds": 60})
            socket.send({"t": "unmute", "user_id": other.pk})
            socket.send({"t": "delete_message", "message_id": line.pk})
            socket.send({"t": "caption", "text": "hello", "lang": "en"})
            socket.send({"t": "ping"})
            socket.event("pong")

            errors = [frame for frame in socket.frames if frame.get("t") == "error"]
            # Without a picture there is nothing to caption; that is said to the host alone.
            refused = {error["re"] for error in errors if error["code"] != "no_picture"}
            assert refused == REFUSED[role]


def test_nobody_follows_rooms_that_are_not_theirs(door, show, alice):
    position = {"epoch": "0" * 16, "seq": 0}
    with page(door, show, alice, rooms={"host": position, "mods": position}) as socket:
        socket.send({"t": "ping"})
        socket.event("pong")

        assert {frame["room"] for frame in socket.frames if "room" in frame} <= {"live", "me"}


def test_a_line_that_is_sent_again_is_one_line(door, show, alice):
    said = chat()
    with page(door, show, alice) as socket:
        for _ in range(3):
            socket.send(said)
        socket.send({"t": "ping"})
        socket.event("pong")
        told = [frame["id"] for frame in socket.frames if frame.get("t") == "said"]

    assert len(told) == 3
    assert {*told} == {Message.objects.get().pk}


def _wild():
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=40),
        st.uuids().map(str),
    )
    return st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=5,
    )


def _message(cls):
    """Anything that looks like a message of this type, its fields right or wrong."""
    info = msgspec.inspect.type_info(cls)
    fields = {field.name: _wild() for field in info.fields}
    return st.fixed_dictionaries({"t": st.just(info.tag)}, optional=fields)


INBOUND = [_message(cls) for cls in wire.AnyInbound.__args__]


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_said_is_answered_in_words(door, show, data):
    with page(door, show, UserFactory()) as socket:
        for strategy in INBOUND:
            for message in data.draw(st.lists(strategy, min_size=1, max_size=3)):
                socket.send(message)
        socket.send({"t": "ping"})
        socket.event("pong")

        codes = {frame["code"] for frame in socket.frames if frame.get("t") == "error"}
        assert "failed" not in codes
    assert "Traceback" not in door.log("web")


# --- How much is said -------------------------------------------------------------------------


def test_who_never_stops_is_closed(door, show, alice):
    with page(door, show, alice) as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(400):
                socket.send({"t": "ping"})

        assert closed_with(socket) == Close.TOO_MANY
        assert any(frame.get("code") == "too_many" for frame in socket.frames)


def test_a_browser_has_so_many_sockets(door, show, alice):
    with contextlib.ExitStack() as stack, Visitor(door, alice) as visitor:
        for _ in range(30):
            stack.enter_context(visitor.socket("/ws/me/"))
        with visitor.socket(f"/ws/live/{show.pk}/") as one_more:
            assert closed_with(one_more) == Close.TOO_MANY_SOCKETS


# --- Frames that no browser sends -------------------------------------------------------------


def _endless(socket):
    socket.send(b"x" * 1000, opcode=TEXT, is_last=False)
    for _ in range(100):
        socket.send(b"x" * 1000, opcode=CONTINUATION, is_last=False)


# daphne drops who breaks the protocol, without a code.
TOO_LARGE, WRONG = {1009, 4009, None}, {1002, None}
FRAMES = {
    "above the cap": (lambda socket: socket.send(b"x" * (16 * 1024 + 1)), TOO_LARGE),
    "in endless pieces": (_endless, TOO_LARGE),
    "not text": (lambda socket: socket.send(b"\x00", opcode=BINARY), {1003, 4003}),
    "text that is none": (lambda socket: socket.send(b"\xc3\x28"), {1007, None}),
    "without a mask": (lambda socket: socket.send(b"x", is_masked=False), WRONG),
    "a ping in pieces": (lambda socket: socket.send(b"", opcode=PING, is_last=False), WRONG),
    "bits that mean nothing": (lambda socket: socket.send(b"x", bits=3), WRONG),
    "no opcode": (lambda socket: socket.send(b"x", opcode=11), WRONG),
    "a piece of nothing": (lambda socket: socket.send(b"x", opcode=CONTINUATION), WRONG),
}


def test_what_no_browser_sends_closes(door, show):
    ended = {}
    for name, (send, _) in FRAMES.items():
        with raw(door, show) as socket:
            with contextlib.suppress(ConnectionError):
                send(socket)
            ended[name] = socket.close_code()

    wrong = {name: code for name, code in ended.items() if code not in FRAMES[name][1]}
    assert wrong == {}


def test_what_grows_a_thousandfold_ends_at_the_cap(door, show):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(b" " * 50_000_000) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    offer = ["Sec-WebSocket-Extensions: permessage-deflate"]
    with raw(door, show, headers=offer, timeout=20) as socket:
        is_taken = "permessage-deflate" in socket.head.lower()
        with contextlib.suppress(ConnectionError):
            socket.send(bomb[:-4], bits=4)

        # Where compression was not agreed on, the bit itself is wrong.
        assert socket.close_code() in (TOO_LARGE if is_taken else TOO_LARGE | {1002})
    with page(door, show) as others:
        others.send({"t": "ping"})
        others.event("pong")


# --- What is hidden in words ------------------------------------------------------------------

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE chat_message; --",
    "{{ settings.SECRET_KEY }} {% debug %}",
    "a\u202ereversed",
]


def _is_by(user, seen):
    return seen.get("t") == "chat" and seen["line"]["author_id"] == user.pk


def test_words_stay_words(door, show):
    for words in EVIL:
        user = UserFactory(display_name=words[:40])
        with page(door, show, user) as socket:
            socket.send(chat(words))
            line = socket.until(partial(_is_by, user))["line"]
            shown = socket.visitor.get(f"/live/{show.pk}/").text
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert line["author"] == user.display_name
        assert Message.objects.get(author=user).body == line["body"]


def test_what_no_database_can_keep_is_refused_in_words(door, show, alice):
    with page(door, show, alice) as socket:
        message = json.dumps(chat("half")).replace("half", r"\u0000\ud800")
        socket.connection.send(message)

        assert socket.event("error")["code"] in ("bad_message", "empty_message")
