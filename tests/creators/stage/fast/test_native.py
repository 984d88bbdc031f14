"""The protocol class for uvicorn, on a transport of the test's own: what it answers, hands on."""

import asyncio
from types import SimpleNamespace

import pytest

from creators.stage import identity
from creators.stage.fast import connection, native
from creators.stage.fast.bytes import close_frame, framed
from creators.stage.fast.native import RoomProtocol
from creators.stage.frames import Frame
from creators.stage.limits import Buckets, Rate
from creators.stage.lines import MOST_ANSWER_BYTES
from creators.stage.wire import MAX_INBOUND_BYTES, Close
from tests.creators.stage.fast.frames import BINARY, CLOSE, PING, PONG, TEXT, masked, message

REQUEST = {
    "host": "shop.example",
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "origin": "https://shop.example",
}


def request(path="/ws/live/7/", **changed):
    headers = REQUEST | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


class Transport(asyncio.Transport):
    """Keeps what is written; `buffered` is what the kernel did not take."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.7", 4000)})
        self.written = b""
        self.buffered = 0
        # What read the request: uvicorn's HTTP protocol.
        self.protocol = SimpleNamespace(parser=object())
        self.is_reading = True
        self.ended = ""

    def write(self, data):
        self.written += data

    def taken(self):
        written, self.written = self.written, b""
        return written

    def get_write_buffer_size(self):
        return self.buffered

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high

    def set_protocol(self, protocol):
        self.protocol = protocol

    def get_protocol(self):
        return self.protocol

    def pause_reading(self):
        self.is_reading = False

    def resume_reading(self):
        self.is_reading = True

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ended += "eof "

    def is_closing(self):
        return "close" in self.ended or "abort" in self.ended

    def close(self):
        self.ended += "close "

    def abort(self):
        self.ended += "abort "


class Said:
    """In place of a Conversation: what the protocol tells it."""

    is_let_in = True

    def __init__(self, line, **known):
        self.line, self.known, self.taken, self.heard_at = line, known, [], 0.0
        self.identity, self.desk, self.refused = known["identity"], self, []
        self.users = Buckets(Rate(burst=2, per_second=0))
        self.has_ended = False
        Said.newest = self

    async def open(self):
        if not self.is_let_in:
            self.line.close(Close.NO_SUCH_SHOW)
        return self.is_let_in

    def take(self, text):
        self.taken.append(text)

    def refuse(self, error, said):
        self.refused.append(error)

    def close(self, code, reason=""):
        self.line.close(code, reason)

    def end(self):
        self.has_ended = True


class State:
    def __init__(self):
        self.connections = set()


@pytest.fixture(autouse=True)
def _without_a_site(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.STAGE_FAST_PATH = True
    monkeypatch.setattr(native, "Conversation", Said)
    monkeypatch.setattr(native, "STAGGER_SECONDS", 0)
    monkeypatch.setattr(Said, "is_let_in", True)
    Said.newest = None


async def meet(data):
    transport, state = Transport(), State()
    protocol = RoomProtocol(config=None, server_state=state, app_state={})
    protocol.connection_made(transport)
    protocol.data_received(data)
    for _ in range(3):
        await asyncio.sleep(0)
    return protocol, transport


async def opened(**changed):
    """Return a protocol that is open, its transport, and its conversation."""
    protocol, transport = await meet(request(**changed))
    assert transport.taken().startswith(b"HTTP/1.1 101 ")
    assert transport.is_reading
    return protocol, transport, Said.newest


async def test_a_guest_is_let_in(settings):
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    _, transport, said = await opened(
        accept_language="fr;q=0.9,en;q=0.1", x_forwarded_for="198.51.100.9"
    )
    known = said.known
    assert (known["piece_id"], known["address"], known["language"]) == (7, "198.51.100.9", "fr")
    assert known["identity"].user_id is None
    assert transport.high == 64 * 1024
    assert transport.protocol.parser is None, "what read the request is left to nobody"


async def test_ones_own_path_and_a_stranger_as_proxy():
    _, _, said = await opened(path="/ws/me/?a=1", x_forwarded_for="198.51.100.9")
    assert (said.known["piece_id"], said.known["address"]) == (None, "192.0.2.7")


async def test_the_cookie_tells_who_it_is(monkeypatch):
    asked = []

    async def identify(session_key, **_):
        asked.append(session_key)
        return identity.guest()

    monkeypatch.setattr(native, "identify", identify)
    await opened(cookie="a=b; sessionid=abcdefgh")
    assert asked == ["abcdefgh"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"sec_websocket_version": "8"}, 426),
        ({"sec_websocket_key": "x"}, 400),
    ],
)
async def test_refusals(changed, status):
    protocol, transport = await meet(request(**changed))
    assert transport.taken().startswith(b"HTTP/1.1 %d " % status)
    assert transport.ended == "close "
    assert protocol.is_closed
    assert Said.newest is None


async def test_a_full_process_says_so_by_its_code(settings):
    settings.STAGE_MAX_SOCKETS = 0
    _, transport = await meet(request())
    assert transport.taken().endswith(close_frame(Close.FULL))
    assert Said.newest is None


async def test_who_may_not_come_in_is_told_by_a_close_and_may_answer(monkeypatch):
    monkeypatch.setattr(Said, "is_let_in", False)
    protocol, transport = await meet(request())
    assert transport.taken().endswith(close_frame(Close.NO_SUCH_SHOW))
    assert transport.is_reading
    protocol.data_received(masked(CLOSE, b"\x11\x34"))
    assert transport.taken() == b""
    assert transport.ended == "close "


async def test_nobody_knows_who_it_is(monkeypatch, caplog):
    async def identify(*_, **__):
        raise ConnectionError("no database")

    monkeypatch.setattr(native, "identify", identify)
    _, transport = await meet(request())
    assert transport.taken().startswith(b"HTTP/1.1 503 ")
    assert "could not be opened" in caplog.text


async def test_one_who_leaves_while_it_is_asked_who_it_is(monkeypatch):
    async def identify(*_, **__):
        await asyncio.sleep(60)

    monkeypatch.setattr(native, "identify", identify)
    protocol, transport = await meet(request())
    assert not transport.is_reading
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    assert protocol._opening is None
    assert transport.taken() == b""


# --- The conversation ---------------------------------------------------------------------------


async def test_what_is_said_is_handed_on():
    protocol, transport, said = await opened()
    protocol.data_received(message(TEXT, "è".encode(), [1]) + masked(BINARY, b"\0"))
    assert said.taken == ["è", None]
    protocol.data_received(masked(PING, b"there?"))
    assert transport.taken() == framed(0x8A, b"there?")
    protocol.data_received(masked(PONG))
    assert said.heard_at > 0
    assert not said.refused
    protocol.data_received(masked(PING, b"too many") + masked(PONG))
    assert transport.taken() == b""
    assert [error.code for error in said.refused] == ["too_many"] * 2


async def test_a_close_is_answered_with_its_code(monkeypatch):
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0)
    protocol, transport, said = await opened()
    protocol.data_received(masked(CLOSE, b"\x03\xe8bye") + masked(TEXT, b"late"))
    assert transport.taken() == close_frame(1000)
    assert (transport.ended, said.taken, said.has_ended) == ("close ", [], True)
    assert not protocol.write(Frame(b"{}"))
    # One who does not read the answer is not waited for.
    await asyncio.sleep(0.001)
    assert transport.ended == "close abort "


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(TEXT, b"\xff"), 1007),
        (masked(3), 1002),
        (masked(TEXT, length=MAX_INBOUND_BYTES + 1), 1009),
        (message(TEXT, b"a", packs=True), 1002),
    ],
    # Masks are random, and all processes must find the same tests.
    ids=["no UTF-8", "no opcode", "too long", "compressed unasked"],
)
async def test_who_breaks_the_rules_is_told_how_and_read_away(data, code, monkeypatch):
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0)
    protocol, transport, said = await opened()
    protocol.data_received(data)
    told = transport.taken()
    assert told[:1] + told[2:4] == b"\x88" + code.to_bytes(2, "big")
    assert transport.ended == "eof "
    assert said.has_ended
    protocol.data_received(masked(TEXT, b"more"))
    assert said.taken == []
    await asyncio.sleep(0.001)
    assert transport.ended == "eof abort "


async def test_a_bomb_is_not_inflated():
    protocol, transport, _ = await opened(sec_websocket_extensions="permessage-deflate")
    protocol.data_received(message(TEXT, b"\0" * (1 << 20), packs=True))
    assert transport.taken()[2:4] == (1009).to_bytes(2, "big")


@pytest.mark.parametrize("offer", [None, "permessage-deflate; client_max_window_bits"])
async def test_frames_go_out_as_they_are(offer):
    protocol, transport, _ = await opened(sec_websocket_extensions=offer)
    frame = Frame(b'"' + b"x" * 2000 + b'"')
    assert protocol.write(frame)
    protocol.answer(frame)
    assert transport.taken() == (frame.deflated if offer else frame.plain) * 2


async def test_a_slow_reader_gets_nothing_until_it_has_read():
    protocol, transport, _ = await opened()
    drained = []
    protocol.when_drained = lambda: drained.append(protocol.is_blocked)
    protocol.pause_writing()
    assert protocol.is_blocked
    assert protocol.blocked_since == pytest.approx(asyncio.get_running_loop().time(), abs=1)
    assert not protocol.write(Frame(b"{}"))
    assert transport.taken() == b""
    protocol.resume_writing()
    assert drained == [False]
    assert protocol.write(Frame(b"{}"))


@pytest.mark.parametrize("asks", ["answer", "ping"])
async def test_who_asks_and_does_not_read_is_closed(asks):
    protocol, transport, _ = await opened()
    transport.buffered = MOST_ANSWER_BYTES + 64 * 1024 + 1
    if asks == "answer":
        protocol.answer(Frame(b"{}"))
    else:
        protocol.data_received(masked(PING))
    assert protocol.is_closed
    assert b"\x03\xf5you ask" in transport.taken()


async def test_closing_says_the_code_and_waits_for_the_answer(monkeypatch):
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0)
    protocol, transport, said = await opened()
    protocol.close(Close.SIGNED_OUT, "bye")
    protocol.close(Close.SLOW)
    assert transport.taken() == close_frame(4401, "bye")
    protocol.data_received(masked(TEXT, b"too late"))
    assert (said.taken, transport.ended) == ([], "")
    await asyncio.sleep(0.001)
    assert transport.ended == "abort "
    protocol.connection_lost(None)
    assert said.has_ended


async def test_the_end_of_the_server(monkeypatch):
    protocol, transport, _ = await opened()
    assert protocol in protocol._connections
    protocol.shutdown()
    await asyncio.sleep(0.001)
    assert transport.taken() == close_frame(1012)
    protocol.connection_lost(None)
    assert protocol not in protocol._connections


# --- Everything else ----------------------------------------------------------------------------


class Stock:
    def __init__(self, **_):
        self.heard = []
        Stock.newest = self

    def __getattr__(self, name):
        return lambda *told: self.heard.append((name, *told))


@pytest.mark.parametrize(
    ("path", "is_fast"), [("/other/", True), ("/ws/live/x/", True), ("/ws/me/", False)]
)
async def test_other_paths_and_without_the_fast_path_all_go_to_uvicorns_own(
    monkeypatch, settings, path, is_fast
):
    settings.STAGE_FAST_PATH = is_fast
    monkeypatch.setattr(native, "WebSocketsSansIOProtocol", Stock)
    protocol, transport = await meet(request(path))
    stock = Stock.newest
    assert stock.heard == [("connection_made", transport), ("data_received", request(path))]
    assert transport.protocol is stock
    # What comes before the transport knows it.
    protocol.data_received(b"more")
    protocol.pause_writing()
    protocol.resume_writing()
    protocol.connection_lost(None)
    assert [one[0] for one in stock.heard[2:]] == [
        "data_received",
        "pause_writing",
        "resume_writing",
        "connection_lost",
    ]
    assert protocol not in protocol._connections


def test_nothing_has_a_dictionary():
    protocol = RoomProtocol(config=None, server_state=State(), app_state={})
    assert not hasattr(protocol, "__dict__")
