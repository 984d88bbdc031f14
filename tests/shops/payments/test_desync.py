"""A provider (or who stands before it) that says more than it was asked: nobody's money follows."""

import time
import uuid
from contextlib import suppress

import pytest

from shops.payments import providers
from shops.payments.providers import Ask, sandbox
from shops.payments.providers import connections as conn
from shops.payments.providers.connections import Broken, Connections
from tests.shops.payments.sayings import answer


def _charge(key, state="succeeded"):
    return b'{"key":"%s","ref":"ch_1","state":"%s","amount_minor":1999,"currency":"EUR"}' % (
        str(key).encode(),
        state.encode(),
    )


def _ask(key):
    return Ask(
        key=key,
        amount_minor=1999,
        currency="EUR",
        card_token="tok_success",
        return_url="https://shop.test/",
        description="1",
    )


def test_the_answer_about_another_payment_is_none(serve, settings):
    """The first payment's answer comes twice; the second payment is then read as captured."""
    one, other = uuid.uuid4(), uuid.uuid4()
    settings.PAYMENTS_SANDBOX_SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    settings.PAYMENTS_SANDBOX_URL = serve(
        [
            [[answer(_charge(one)), 0.1, answer(_charge(one))], []],
            [[answer(_charge(other, "failed"))]],
        ]
    )
    from django.db import connection as db

    db.in_atomic_block = True  # no database in this test
    try:
        first = sandbox.Sandbox().charge(_ask(one))
        assert first.key == str(one)
        time.sleep(0.3)
        with suppress(providers.NoAnswer):
            second = sandbox.Sandbox().charge(_ask(other))
            assert second.key == str(other)
    finally:
        db.in_atomic_block = False


def test_what_is_said_behind_an_answer_does_not_change_it(serve):
    """200 and, in the same segment, 400: read as 400 the payment fails, and the card is charged."""
    url = serve([[[answer(b"ok") + answer(b"", b"400 Bad")]], [[answer(b"fresh")]]])
    line = Connections(url)
    reply = line.ask("POST", "/", body=b"{}", headers={}, timeout=2)
    assert (reply.status, reply.content) == (200, b"ok")
    # What came behind belongs to nobody: the connection is not used again.
    assert line.ask("POST", "/", body=b"{}", headers={}, timeout=2).content == b"fresh"


@pytest.mark.parametrize("junk", [b"junk", b"HTTP/1.1 200 OK\r\ncontent-le"])
def test_a_connection_with_something_left_in_it_is_not_used_again(serve, junk):
    url = serve([[[answer(b"ok") + junk], [answer(b"stale")]], [[answer(b"fresh")]]])
    line = Connections(url)
    assert line.ask("POST", "/", body=b"{}", headers={}, timeout=2).content == b"ok"
    assert line.ask("POST", "/", body=b"{}", headers={}, timeout=2).content == b"fresh"


def test_a_change_of_protocol_is_noanswer(serve):
    switch = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
    line = Connections(serve([[[switch]], [[switch]]]))
    with pytest.raises(Broken):
        line.ask("POST", "/", body=b"{}", headers={}, timeout=2)


def test_an_answer_byte_by_byte_takes_no_longer_than_was_said(serve):
    drip = [piece for _ in range(12) for piece in (b"x", 0.2)]
    line = Connections(serve([[[b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n", *drip]]]))
    begin = time.monotonic()
    with pytest.raises(Broken):
        line.ask("POST", "/", body=b"{}", headers={}, timeout=0.5)
    assert time.monotonic() - begin < 1.5


def test_an_answer_without_end_is_not_kept_in_memory(serve, monkeypatch):
    monkeypatch.setattr(conn, "_MOST", 100_000, raising=False)
    line = Connections(serve([[[answer(b"x" * 300_000)]], [[answer(b"x" * 300_000)]]]))
    with pytest.raises(Broken):
        line.ask("POST", "/", body=b"{}", headers={}, timeout=2)
