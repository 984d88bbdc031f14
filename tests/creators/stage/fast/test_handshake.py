"""The opening request: what is answered with 101, and what with an error that says why."""

import pytest

from creators.stage.fast.handshake import Head, Refusal, accept, negotiate, switching

HEADERS = {
    "host": "shop.example",
    "upgrade": "websocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def head(first="GET /ws/me/?a=1 HTTP/1.1", **changed):
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return Head("\r\n".join([first, *lines, "", ""]).encode("latin-1"))


def test_the_rfcs_own_example():
    assert accept(head()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_head():
    read = Head(
        b"GET /ws/me/?q HTTP/1.1\r\nCookie: a=1\r\nX-Forwarded-For: 1\r\nx-forwarded-for:2\r\n\r\n"
    )
    assert (read.method, read.path, read.version) == ("GET", "/ws/me/", "HTTP/1.1")
    assert (read.get("cookie"), read.get("host"), read.find("host")) == ("a=1", "", None)
    assert (read.all("x-forwarded-for"), read.get("x-forwarded-for")) == ("1, 2", "2")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"first": "POST /ws/me/ HTTP/1.1"}, 405),
        ({"first": "GET /ws/me/ HTTP/1.0"}, 400),
        ({"host": None}, 400),
        ({"upgrade": None}, 426),
        ({"upgrade": "h2c"}, 426),
        ({"connection": "keep-alive"}, 426),
        ({"sec_websocket_version": "8"}, 426),
        ({"sec_websocket_version": None}, 426),
        ({"sec_websocket_key": None}, 400),
        ({"sec_websocket_key": "short"}, 400),
        ({"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ=é"}, 400),
    ],
)
def test_refusals(changed, status):
    with pytest.raises(Refusal) as refused:
        accept(head(**changed))
    answer = refused.value.answer()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    start, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in start
    if changed.get("sec_websocket_version", "13") != "13":
        assert b"Sec-WebSocket-Version: 13" in start


BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("", None),
        ("permessage-deflate", BOTH),
        ("permessage-deflate; client_max_window_bits", BOTH),
        ("permessage-deflate; client_max_window_bits=10", BOTH),
        ('permessage-deflate; server_max_window_bits="15"', f"{BOTH}; server_max_window_bits=15"),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", BOTH),
        ("x-webkit-deflate-frame, permessage-deflate", BOTH),
        # What is sent to all was made with the largest window.
        ("permessage-deflate; server_max_window_bits=10", None),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", BOTH),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; client_max_window_bits=08", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
    ],
)
def test_compression_is_agreed_on_only_as_it_is_done(offers, answer):
    assert negotiate(offers) == answer


def test_the_answer():
    assert switching("key=", extension=None).endswith(b"Sec-WebSocket-Accept: key=\r\n\r\n")
    assert b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n" in switching(
        "key=", extension="permessage-deflate"
    )
