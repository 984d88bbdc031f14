"""The server's way to Django: whole answers, streams bit by bit, bodies that come in parts."""

import asyncio
import threading

import pytest
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from liveshop.requests import Requests

seen = []


def echo(request):
    seen.append(threading.current_thread().name)
    answer = HttpResponse(request.body + b"!")
    answer.set_cookie("a", "b")
    return answer


def stream(request):
    return StreamingHttpResponse(iter([b"one ", b"", b"two"]))


class Slow:
    """A stream whose second part waits until it is let; it notes by whom it was closed, and how."""

    def __init__(self):
        self.began, self.go_on, self.closed = (threading.Event() for _ in range(3))
        self.is_busy = False
        self.was_busy = None

    def __iter__(self):
        yield b"one"
        self.is_busy = True
        self.began.set()
        self.go_on.wait(10)
        self.is_busy = False
        yield b"two"

    def close(self):
        self.was_busy = self.is_busy
        self.closed.set()


slow = None


def slowly(request):
    return StreamingHttpResponse(slow)


def ready(request):
    slow.began.set()
    slow.go_on.wait(10)
    return HttpResponse(b"ready")


def broken(request):
    raise ZeroDivisionError


def failed(request):
    return HttpResponse(status=500)


handler500 = failed
urlpatterns = [
    path("echo/", echo),
    path("stream/", stream),
    path("slowly/", slowly),
    path("broken/", broken),
    path("livez", lambda request: HttpResponse(b"alive")),
    path("readyz", ready),
]


@pytest.fixture
def threads():
    return 4


@pytest.fixture
def ask(threads):
    """ask(path, *parts of the body) gives the status, the headers and the parts of the answer.

    Who asks goes away at once, or stays until it has its answer.
    """
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], WEB_THREADS=threads):
        application = Requests()

        async def send(where, *parts, stays=False):
            parts = list(parts) or [b""]
            waiting = [
                {"type": "http.request", "body": part, "more_body": number < len(parts)}
                for number, part in enumerate(parts, 1)
            ]
            told = []

            async def receive():
                if stays and not waiting:
                    await asyncio.Event().wait()
                return waiting.pop(0) if waiting else {"type": "http.disconnect"}

            async def say(message):
                told.append(message)

            scope = {
                "type": "http",
                "method": "POST",
                "path": where,
                "query_string": b"",
                "headers": [(b"host", b"localhost"), (b"content-type", b"text/plain")],
            }
            await application(scope, receive, say)
            if not told:
                return None
            head, *rest = told
            return head["status"], dict(head["headers"]), [one.get("body", b"") for one in rest]

        yield send


async def test_a_request_is_answered_by_a_thread(ask):
    status, headers, parts = await ask("/echo/", b"hello")

    assert (status, parts) == (200, [b"hello!"])
    assert headers[b"Set-Cookie"] == b"a=b; Path=/"
    assert seen[-1].startswith("request")


async def test_a_body_may_come_in_parts(ask):
    assert (await ask("/echo/", b"a", b"b" * 3_000, b"c"))[2] == [b"a" + b"b" * 3_000 + b"c!"]


async def test_what_is_streamed_is_sent_bit_by_bit(ask):
    status, _headers, parts = await ask("/stream/")

    assert status == 200
    assert parts == [b"one ", b"", b"two", b""]


async def test_a_stream_that_is_called_off_in_the_midst_of_a_part_is_closed_behind_it(ask):
    global slow
    slow = Slow()
    asked = asyncio.create_task(ask("/slowly/"))
    assert await asyncio.to_thread(slow.began.wait, 10)

    asked.cancel()
    await asyncio.sleep(0.05)
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asked

    assert await asyncio.to_thread(slow.closed.wait, 10)
    assert slow.was_busy is False


@pytest.mark.parametrize("threads", [1])
async def test_a_probe_is_answered_while_all_threads_are_busy(ask):
    await is_alive_during(ask, "/slowly/")


async def test_it_is_alive_while_another_probe_waits_for_the_database(ask):
    await is_alive_during(ask, "/readyz")


async def is_alive_during(ask, what):
    global slow
    slow = Slow()
    asked = asyncio.create_task(ask(what))
    assert await asyncio.to_thread(slow.began.wait, 10)
    probed = asyncio.create_task(ask("/livez"))
    try:
        assert (await asyncio.wait_for(asyncio.shield(probed), 5))[2] == [b"alive"]
    finally:
        slow.go_on.set()
        await asyncio.gather(asked, probed)


@pytest.mark.parametrize("threads", [1])
async def test_who_gives_up_while_waiting_for_a_thread_needs_none(ask):
    global slow
    slow = Slow()
    asked = asyncio.create_task(ask("/slowly/"))
    assert await asyncio.to_thread(slow.began.wait, 10)
    before = len(seen)
    waiting = asyncio.create_task(ask("/echo/", b"stays", stays=True))

    assert await asyncio.wait_for(ask("/echo/", b"goes"), 5) is None
    slow.go_on.set()

    assert (await waiting)[2] == [b"stays!"]
    await asked
    assert len(seen) == before + 1


async def test_a_sender_who_goes_away_gets_nothing(ask):
    application = Requests()

    async def gone():
        return {"type": "http.disconnect"}

    async def say(message):
        raise AssertionError(message)

    await application({"type": "http"}, gone, say)


@override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False)
async def test_a_view_that_fails_is_an_error_and_the_next_is_answered(ask):
    assert (await ask("/broken/"))[0] == 500
    assert (await ask("/echo/", b"x"))[0] == 200


def test_as_many_threads_as_the_setting_says():
    assert Requests()._threads.most == settings.WEB_THREADS
