"""daphne's shorter way: whatever the socket takes, nothing overtakes and nothing is lost."""

import asyncio
import importlib
import socket
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_DONE

from creators.stage.fast import daphne
from creators.stage.fast.daphne import DaphneLine, line_of
from creators.stage.frames import Frame
from creators.stage.lines import MOST_ANSWER_BYTES, AsgiLine
from creators.stage.wire import Close


class Wire:
    """A socket that takes only so many bytes before it would block."""

    def __init__(self):
        self.taken = b""
        self.room = 0
        self.options = []

    def setsockopt(self, *option):
        self.options.append(option)

    def send(self, data):
        if not self.room:
            raise BlockingIOError
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.taken += taken
        return len(taken)


class Transport:
    """What twisted's does with what is written, as far as it matters here."""

    bufferSize = 65_536
    disconnecting = is_aborted = False

    def __init__(self, wire):
        self.socket = wire
        self.dataBuffer, self.offset = b"", 0
        self.waiting, self._tempDataLen = [], 0
        self.producer = None
        self.is_paused = False

    def registerProducer(self, producer, streaming):
        assert self.producer is None
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    def abortConnection(self):
        self.is_aborted = True

    def write(self, data):
        self.waiting.append(data)
        self._tempDataLen += len(data)
        if len(self.dataBuffer) + self._tempDataLen > self.bufferSize:
            self.is_paused = True
            self.producer.pauseProducing()

    def flush(self):
        """As twisted when the socket can be written to."""
        self.dataBuffer = self.dataBuffer[self.offset :] + b"".join(self.waiting)
        self.waiting, self._tempDataLen, self.offset = [], 0, 0
        try:
            self.offset = self.socket.send(self.dataBuffer)
        except BlockingIOError:
            return
        if self.offset == len(self.dataBuffer):
            self.dataBuffer, self.offset = b"", 0
            if self.is_paused:
                self.is_paused = False
                self.producer.resumeProducing()


class Protocol:
    STATE_OPEN = state = 3

    def __init__(self):
        self.wire = Wire()
        self.transport = Transport(self.wire)
        self.send_queue = []
        self.closed = None

    def sendData(self, data):
        self.transport.write(data)

    def sendCloseFrame(self, code, reasonUtf8):
        self.closed = code


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("frame"), st.integers(1, 40_000)),
            st.tuples(st.just("pong"), st.integers(1, 100)),
            st.tuples(st.just("reads"), st.integers(0, 90_000)),
            st.tuples(st.just("flush"), st.just(0)),
        ),
        max_size=60,
    )
)
def test_what_is_taken_arrives_once_and_in_order(steps):
    async def play():
        protocol = Protocol()
        line = DaphneLine(protocol)
        expected, drained = b"", []
        line.when_drained = lambda: drained.append(True)
        for number, (what, size) in enumerate(steps):
            body = bytes([number % 256]) * size
            if what == "frame":
                was_blocked = line.is_blocked
                frame = Frame(body)
                if line.write(frame):
                    expected += frame.plain
                else:
                    assert was_blocked
            elif what == "pong":
                # What autobahn itself has to say.
                protocol.sendData(body)
                expected += body
            elif what == "reads":
                protocol.wire.room += size
            else:
                protocol.transport.flush()
        pauses = line.is_blocked
        protocol.wire.room = 10**9
        protocol.transport.flush()
        protocol.transport.flush()
        assert protocol.wire.taken == expected
        assert not line.is_blocked
        assert bool(drained) >= pauses

    asyncio.run(play())


async def test_a_lagging_reader_is_given_nothing_and_little_is_kept():
    protocol = Protocol()
    line = DaphneLine(protocol)
    frame = Frame(b"x" * 10_000)

    taken = [line.write(frame) for _ in range(100)]

    assert line.is_blocked
    assert line.blocked_since > 0
    assert sum(taken) * len(frame) <= 65_536 + len(frame.plain)
    assert line._buffered() == sum(taken) * len(frame.plain)
    assert (socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536) in protocol.wire.options


async def test_who_asks_and_does_not_read_is_closed():
    protocol = Protocol()
    line = DaphneLine(protocol)
    for _ in range(100):
        line.answer(Frame(b"x" * 20_000))

    assert protocol.closed == Close.SLOW
    assert line._buffered() <= 65_536 + MOST_ANSWER_BYTES + 20_100


async def test_nothing_is_written_after_the_end():
    protocol = Protocol()
    protocol.wire.room = 10**6
    line = DaphneLine(protocol)

    protocol.state = 2
    assert not line.write(Frame(b"late"))
    protocol.state = Protocol.STATE_OPEN
    line.close(Close.BANNED, "why")
    line.close(Close.SLOW)
    line.answer(Frame(b"later"))

    assert protocol.closed == Close.BANNED
    assert protocol.wire.taken == b""


class Descriptor(FileDescriptor):
    """twisted's own way of writing, on our socket."""

    connected = 1

    def __init__(self, wire):
        super().__init__(reactor=object())
        self.socket = wire

    def writeSomeData(self, data):
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def startWriting(self):
        self.is_writing = True

    def stopWriting(self):
        self.is_writing = False

    def stopReading(self):
        pass


async def test_a_lagging_reader_who_closes_and_then_reads_is_let_go():
    protocol = Protocol()
    transport = protocol.transport = Descriptor(protocol.wire)
    line = DaphneLine(protocol)
    line.answer(Frame(b"x" * 100_000))
    assert line.is_blocked

    protocol.state = 2
    transport.loseConnection()
    protocol.wire.room = 10**6
    ends = []
    while transport.is_writing and not any(ends):
        ends.append(transport.doWrite())

    assert ends[-1] is CONNECTION_DONE
    assert len(protocol.wire.taken) == len(Frame(b"x" * 100_000).plain)


async def test_one_who_closes_and_never_reads_is_cut_off():
    protocol = Protocol()
    line = DaphneLine(protocol)
    line.answer(Frame(b"x" * 100_000))
    protocol.state = 2

    line.close(Close.SLOW)

    assert protocol.transport.is_aborted


async def test_a_broken_socket_is_a_closed_line():
    protocol = Protocol()
    line = DaphneLine(protocol)

    def broken(data):
        raise ConnectionResetError

    protocol.wire.send = broken
    assert not line.write(Frame(b"x"))
    assert line.is_closed


# --- Whether it can be taken ------------------------------------------------------------------


async def test_another_servers_send_is_plain_asgi():
    async def send(message):
        pass

    assert isinstance(line_of(send), AsgiLine)
    assert isinstance(line_of(partial(send)), AsgiLine)


async def test_a_daphne_that_is_not_as_expected_is_plain_asgi_and_said_once(monkeypatch, caplog):
    from daphne.server import Server

    monkeypatch.setattr(daphne, "_told", set())
    server = Server.__new__(Server)

    lines = [line_of(partial(server.handle_reply, object())) for _ in range(3)]

    assert all(isinstance(line, AsgiLine) for line in lines)
    assert len([record for record in caplog.records if "daphne" in record.message]) == 1


@pytest.mark.parametrize("is_on", [True, False])
async def test_one_setting_turns_it_off(monkeypatch, settings, is_on):
    settings.STAGE_FAST_PATH = is_on
    monkeypatch.setattr(daphne, "_protocol_behind", lambda send: Protocol())
    importlib.import_module("daphne.server")

    async def send(message):
        pass

    assert isinstance(line_of(send), DaphneLine if is_on else AsgiLine)
