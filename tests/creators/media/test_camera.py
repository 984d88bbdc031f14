"""The websocket of a camera, with a server and a reception that the test plays."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from creators.media import access, camera
from creators.media.publishing import Refusal
from tests.creators.media.camera_double import STREAM, Browser, FakeReception


@pytest.fixture
async def reception():
    return FakeReception()


@pytest.fixture
async def browse(reception):
    """browse(…) opens a camera's socket; all are gone after the test."""
    opened = []

    def open_one(**how):
        opened.append(Browser(reception, **how))
        return opened[-1]

    yield open_one
    for one in opened:
        one.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one.task
    assert not camera._cameras


async def _until(true):
    async with asyncio.timeout(3):
        while not true():
            await asyncio.sleep(0)


async def test_bytes_go_to_the_intake_in_their_order_and_it_is_closed_when_the_browser_leaves(
    browse, reception
):
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    for part in (b"\x1aE\xdf\xa3", b"one", b"two"):
        browser.send(part)
    browser.leave()
    await browser.ends()

    assert reception.asked[0][0] == STREAM
    assert reception.asked[0][2:] == ("webm", "192.0.2.7")
    assert reception.intake.data == b"\x1aE\xdf\xa3onetwo"
    assert reception.intake.is_closed


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://elsewhere.example", "http://127.0.0.1.elsewhere.example", "http://[::1"],
)
async def test_pages_of_other_sites_are_not_even_answered(browse, reception, origin):
    browser = browse(origin=origin)
    browser.hello()

    assert await browser.ends() == camera.Close.REFUSED
    assert not browser.accepted
    assert reception.asked == []


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("http://127.0.0.1:9999", True),
        ("https://shop.example", True),
        ("http://shop.example", False),
        ("https://live.partner.example:444", True),
        ("https://partner.example:444", True),
        ("https://live.partner.example", False),
        ("https://evilpartner.example:444", False),
    ],
)
def test_the_site_and_trusted_origins_are_ours(settings, origin, is_ours):
    settings.SITE_URL = "https://shop.example"
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.partner.example:444"]

    assert camera.is_our_origin(origin) is is_ours


@pytest.mark.parametrize("path", ["/ingest/", "/ingest/not-a-uuid/~1.x/", f"/ingest/{STREAM}/"])
async def test_an_address_that_is_none_is_closed(browse, path):
    browser = browse(path=path)

    assert await browser.ends() == camera.Close.NO_SUCH_ADDRESS


@pytest.mark.parametrize("purpose", ["watch", "expired"])
async def test_who_may_not_send_is_told_and_the_page_may_fetch_a_new_address(
    browse, reception, purpose
):
    hours = -1 if purpose == "expired" else 1
    token = access.sign(
        STREAM,
        purpose="publish" if purpose == "expired" else "watch",
        until=datetime.now(UTC) + timedelta(hours=hours),
    )
    browser = browse(token=token)
    browser.hello()

    assert await browser.ends() == camera.Close.REFUSED
    assert browser.heard[0]["code"] == "bad_token"
    assert browser.heard[0]["again"] is True
    assert reception.asked == []


@pytest.mark.parametrize(
    ("code", "again"), [("no_show", False), ("unavailable", True), ("show_over", False)]
)
async def test_a_refusal_is_said_in_words_before_it_closes(browse, reception, code, again):
    reception.refusal = Refusal(code)
    browser = browse()
    browser.hello()

    assert await browser.ends() == camera.Close.REFUSED
    assert browser.heard == [
        {"t": "refused", "code": code, "text": Refusal(code).text, "again": again}
    ]


async def test_an_intake_that_ends_cuts_the_camera_off_with_its_reason(browse, reception):
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    reception.intake.ended.set_result(Refusal("too_long"))

    assert await browser.ends() == camera.Close.REFUSED
    assert browser.heard[-1]["code"] == "too_long"
    assert reception.intake.is_closed


async def test_what_comes_too_fast_waits_for_the_intake(browse, reception):
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    reception.intake.may_take.clear()
    for _ in range(5):
        browser.send(b"x" * 100)
    await _until(lambda: browser._inbox.qsize() == 4)
    for _ in range(20):
        await asyncio.sleep(0)
    assert browser._inbox.qsize() == 4
    reception.intake.may_take.set()
    await _until(lambda: len(reception.intake.data) == 500)


async def test_a_message_that_is_too_large_ends_it(browse, reception):
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    browser.send(b"x" * (camera.LARGEST_MESSAGE + 1))

    assert await browser.ends() == camera.Close.TOO_LARGE
    assert reception.intake.data == b""


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"t": "hello"}',
        '{"t": "clock", "c": 1}',
        '{"t": "hello", "container": "avi", "mime": "", "sender": "12345678"}',
        '{"t": "hello", "container": "webm", "mime": "", "sender": "short"}',
    ],
)
async def test_who_does_not_say_hello_is_not_let_in(browse, reception, text):
    browser = browse()
    browser._inbox.put_nowait({"type": "websocket.receive", "text": text})

    assert await browser.ends() == camera.Close.NOT_UNDERSTOOD
    assert reception.asked == []


async def test_bytes_before_hello_are_not_taken(browse, reception):
    browser = browse()
    browser.send(b"\x1aE\xdf\xa3")

    assert await browser.ends() == camera.Close.NOT_UNDERSTOOD
    assert reception.asked == []


async def test_who_says_nothing_is_not_waited_for(browse, monkeypatch):
    monkeypatch.setattr(camera, "HELLO_SECONDS", 0.01)
    browser = browse()

    assert await browser.ends() == camera.Close.SILENT


async def test_a_camera_that_falls_silent_is_let_go(browse, reception, monkeypatch):
    monkeypatch.setattr(camera, "HEALTH_SECONDS", 0.01)
    monkeypatch.setattr(camera, "SILENT_SECONDS", 0.03)
    browser = browse()
    browser.hello()

    assert await browser.ends() == camera.Close.SILENT
    assert reception.intake.is_closed


async def test_health_tells_how_much_came(browse, monkeypatch):
    monkeypatch.setattr(camera, "HEALTH_SECONDS", 0.05)
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    browser.send(b"x" * 10_000)

    health = await browser.hears("health")
    assert 0 < health["kbps"] <= 10_000 * 8 / 1000 / 0.05
    assert health["waited_ms"] < 50


async def test_it_tells_its_time_and_notes_when_the_picture_began(browse, reception):
    browser = browse()
    browser.hello()
    browser.say(t="clock", c=12.5)
    told = await browser.hears("clock")
    assert told["c"] == 12.5
    assert abs(told["s"] / 1000 - time.time()) < 5

    began = time.time() - 1
    browser.say(t="began", at=began * 1000)
    await _until(lambda: reception.intake.began_at is not None)
    assert reception.intake.began_at == pytest.approx(began)
    browser.say(t="began", at=0)
    browser.say(t="clock", c=13)
    await _until(lambda: browser.heard[-1].get("c") == 13)
    assert reception.intake.began_at == pytest.approx(began)


async def test_who_talks_too_much_is_cut_off(browse):
    browser = browse()
    browser.hello()
    await browser.hears("ready")
    for count in range(200):
        browser.say(t="clock", c=count)

    assert await browser.ends() == camera.Close.NOT_UNDERSTOOD
    assert len(browser.heard) < 50


async def test_the_same_page_takes_the_place_of_its_earlier_socket(browse, reception):
    first = browse()
    first.hello()
    await first.hears("ready")
    second = browse()
    second.hello()
    await second.hears("ready")

    assert await first.ends() == camera.Close.REPLACED
    assert [one.is_closed for one in reception.intakes] == [True, False]
    second.send(b"goes on")
    await _until(lambda: reception.intake.data == b"goes on")


async def test_another_page_does_not(browse, reception):
    first = browse()
    first.hello()
    await first.hears("ready")
    second = browse(sender="another-page")
    second.hello()

    assert await second.ends() == camera.Close.REFUSED
    assert second.heard[-1]["code"] == "already_publishing"
    assert not reception.intake.is_closed


async def test_nobody_without_a_token_takes_a_sockets_place(browse, reception):
    first = browse()
    first.hello()
    await first.hears("ready")
    second = browse(token="~99999999999.forged")
    second.hello()

    assert await second.ends() == camera.Close.REFUSED
    assert not reception.intake.is_closed


async def test_a_refusal_is_in_the_pages_language(browse, reception, monkeypatch):
    spoken = []
    reception.refusal = Refusal("no_show")
    monkeypatch.setattr(
        Refusal, "text", property(lambda _: spoken.append(camera.translation.get_language()) or "x")
    )
    for language in ("fr", "xx"):
        browser = browse()
        browser.hello(language=language)
        await browser.ends()

    assert spoken == ["fr", "en"]
