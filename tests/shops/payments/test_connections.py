"""What is read of answers over connections that are kept, and what is done about broken ones."""

import socket
import threading
from contextlib import closing

import pytest

from shops.payments.providers.connections import Broken, Connections

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of what it was given, in pieces; None: it hangs up."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}/base/"
        self.answers: list[list[bytes] | None] = []
        self.asked: list[bytes] = []
        self.lines = 0
        self._is_over = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            line, _ = self._door.accept()
            with closing(line):
                if self._is_over:
                    return
                self.lines += 1
                self._talk(line)

    def _talk(self, line: socket.socket) -> None:
        while request := line.recv(65_536):
            self.asked.append(request)
            answer = self.answers.pop(0)
            if answer is None:
                return
            for piece in answer:
                line.sendall(piece)
            if b"close" in answer[0]:
                return

    def close(self) -> None:
        self._is_over = True
        port = self._door.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        self._thread.join(10)
        self._door.close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def ask(server):
    connections = Connections(server.url)

    def send(*answers, method="POST", body=b"{}", timeout=5.0, count=1):
        server.answers += answers
        replies = [
            connections.ask(method, "/v1/charges", body=body, headers={"X": "1"}, timeout=timeout)
            for _ in range(count)
        ]
        return [(one.status, one.content) for one in replies]

    yield send
    connections.close()


def test_a_connection_is_used_again(server, ask):
    assert ask([FINE], [FINE], [FINE], count=3) == [(200, b"ok")] * 3
    assert server.lines == 1
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /base/v1/charges HTTP/1.1"
    assert b"\r\nContent-Length: 2" in head
    assert b"\r\nX: 1" in head
    assert body == b"{}"


def test_what_has_no_body_says_so_where_there_could_be_one(server, ask):
    ask([FINE], [FINE], method="POST", body=None)
    ask(method="GET", body=None)
    assert [b"Content-Length: 0" in one for one in server.asked] == [True, False]


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([FINE[:9], FINE[9:20], FINE[20:-1], FINE[-1:]], (200, b"ok")),
        ([b"HTTP/1.1 204 No\r\n\r\n"], (204, b"")),
        ([b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"], (422, b"")),
        (
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\n"],
            (200, b"ok"),
        ),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", FINE], (200, b"ok")),
    ],
    ids=["in-pieces", "no-content", "empty", "chunked", "continue"],
)
def test_answers_of_all_shapes_are_read_and_leave_the_connection_usable(server, ask, pieces, found):
    assert ask(pieces, [FINE], count=2) == [found, (200, b"ok")]
    assert server.lines == 1


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"HTTP/1.1 200 close\r\n\r\n"],
    ids=["told", "untold"],
)
def test_an_answer_without_length_ends_with_its_connection(server, ask, head):
    assert ask([head, b"ok"], [FINE], count=2) == [(200, b"ok")] * 2
    assert server.lines == 2


def test_what_died_meanwhile_is_asked_again_by_another_connection(server, ask):
    assert ask([FINE], None, [FINE], count=2) == [(200, b"ok")] * 2
    assert server.lines == 2
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [b"HTTP/1.1 200 close\r\ncontent-length: 3\r\n\r\nok"],
        [b"HTTP/1.1 200 close\r\ncontent-"],
        [b"close\r\n\r\n"],
        [b"HTTP/1.1 200 close\r\n" + b"a: b\r\n" * 20_000],
    ],
    ids=["nothing", "too-short", "half-a-head", "no-http", "endless-head"],
)
def test_what_is_no_answer_twice_is_broken(server, ask, answer):
    with pytest.raises(Broken):
        ask(answer, answer)
    assert server.lines == 2
    assert ask([FINE]) == [(200, b"ok")]


def test_silence_is_broken_and_not_asked_again(server, ask):
    with pytest.raises(Broken, match="TimeoutError"):
        ask([b""], timeout=0.05)
    assert (server.lines, len(server.asked)) == (1, 1)


def test_how_long_is_waited_follows_each_request(server, ask):
    assert ask([FINE]) == [(200, b"ok")]
    with pytest.raises(Broken, match="TimeoutError"):
        ask([b""], timeout=0.05)
    assert server.lines == 1


def test_who_can_t_be_reached_is_broken(server):
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        port = door.getsockname()[1]
    nobody = Connections(f"http://127.0.0.1:{port}")
    with pytest.raises(Broken, match="ConnectionRefusedError"):
        nobody.ask("GET", "/", body=None, headers={}, timeout=1)
