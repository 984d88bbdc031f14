"""No thread that answers requests keeps a connection to the database when it is done."""

import asyncio
import threading
from io import BytesIO

import pytest
from django.db import connection
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from liveshop.requests import Requests
from shops.accounts.models import User


def counted(request):
    return HttpResponse(str(User.objects.count()))


def file(request):
    User.objects.exists()
    return FileResponse(BytesIO(b"x" * 200_000), content_type="text/plain")


def lines(request):
    return StreamingHttpResponse(f"{User.objects.count()}\n" for _ in range(3))


urlpatterns = [path("counted/", counted), path("file/", file), path("lines/", lines)]


@pytest.fixture
def handler(transactional_db):
    with override_settings(ROOT_URLCONF=__name__, WEB_THREADS=3, MIDDLEWARE=[]):
        found = Requests()
        yield found
        found._threads.end()


async def ask(handler, address):
    """Ask as a server does; returns how long the body is."""
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]
    sent = []

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": address, "query_string": b"", "headers": []}
    await handler(scope, receive, send)
    assert sent[0]["status"] == 200
    return sum(len(one.get("body", b"")) for one in sent)


async def open_connections(threads):
    """Count the threads of a pool of three that have a connection to the database."""
    each_once = threading.Barrier(3)

    def look():
        each_once.wait(10)
        return connection.connection is not None

    return sum(await asyncio.gather(*(threads.make(look) for _ in range(3))))


@pytest.mark.parametrize(
    ("address", "size"), [("/counted/", 1), ("/file/", 200_000), ("/lines/", 6)]
)
def test_no_thread_keeps_a_connection_when_its_answer_is_sent(handler, address, size):
    async def often():
        return await asyncio.gather(*(ask(handler, address) for _ in range(9)))

    assert asyncio.run(often()) == [size] * 9
    assert asyncio.run(open_connections(handler._threads)) == 0
