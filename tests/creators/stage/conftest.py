"""Rooms on a real Valkey; sockets in the process or on a real server."""

import asyncio
import contextlib
import json
import subprocess

import pytest
import redis
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from creators.stage import publishing
from creators.stage.desk import in_thread
from creators.stage.hub import Hub, hub_here
from creators.stage.lines import AsgiLine
from creators.stage.room import Seat
from creators.stage.wire import Position
from tests.creators.stage.talk import Talk, known
from tests.creators.stage.test_js import NODE, PROJECT
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory

ORIGIN = (b"origin", b"http://localhost")


@pytest.fixture(autouse=True)
def valkey():
    """This run's Valkey database, emptied before and after each test."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    publishing.missed.wait(5)
    client.flushdb()
    client.close()


@pytest.fixture
def product(shop):
    product = ProductFactory(shop=shop, title="Silk scarf")
    SkuFactory(product=product, options=["red"])
    return product


@pytest.fixture
def show(bob, product):
    """Bob's live show with one product in its bag."""
    session = LiveSessionFactory(piece__creator=bob.creator)
    PieceProductFactory(piece=session.piece, product=product, position=1)
    return session


@pytest.fixture(scope="session")
def reducer():
    """reducer(cases) asks the pages' own modules; their Node starts once for all of them."""
    node = [NODE, str(PROJECT / "tests" / "js" / "replay.js")]
    with subprocess.Popen(
        node, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(cases):
            process.stdin.write(json.dumps(cases) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask


class Viewer:
    """A socket without a server: what it was given, and a reader that can be stopped."""

    def __init__(self, hub, room="live:1", name="u:1"):
        self.hub = hub
        self.name = room
        self.texts = []
        self.closed = None
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.line = AsgiLine(self._send)
        self.seat = Seat(self.line, room, viewer=name)
        self.line.when_drained = lambda: hub.drained(self.seat)

    async def _send(self, message):
        if message["type"] == "websocket.close":
            self.closed = message["code"]
            return
        if not self.may_read.is_set():
            await self.may_read.wait()
        self.texts.append(json.loads(message["text"]))

    async def join(self, position=None):
        """Enter and follow; from now on without a position."""
        room = await self.hub.enter(self.seat)
        if position is None:
            reading = await self.hub.link.read(self.name)
            position = Position(epoch=reading.epoch, seq=reading.seq)
            await self.hub.reach(room, position, trusted=True)
        return self.hub.follow(self.seat, position)

    @property
    def events(self):
        """All events of all frames, but not the viewer counts, which come when they want."""
        frames = [text for text in self.texts if "events" in text]
        return [event for frame in frames for event in frame["events"] if event["t"] != "counts"]

    @property
    def position(self):
        frames = [text for text in self.texts if "events" in text]
        return Position(epoch=frames[-1]["epoch"], seq=frames[-1]["seq"])

    def told(self, kind):
        return [text for text in self.texts if text.get("t") == kind]


def path(show):
    return f"/ws/live/{show.pk}/"


async def publish(room, *events):
    assert await asyncio.to_thread(publishing.publish, room, list(events))


@pytest.fixture
async def hub():
    hub = Hub()
    yield hub
    await hub.close()


@pytest.fixture
async def other_hub():
    """A second web process."""
    hub = Hub()
    yield hub
    await hub.close()


def cookie_of(user):
    """Sign in; return the headers and the client that may sign out again."""
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    return (b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode()), client


class Communicator(WebsocketCommunicator):
    """As channels', which leaves database connections open, as a test in a transaction wants."""

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


class Page:
    """A browser's side of a socket of the real ASGI application."""

    def __init__(self, communicator):
        self.communicator = communicator
        self.seen = []

    async def say(self, **message):
        await self.communicator.send_to(text_data=json.dumps(message))

    async def hear(self, kind, *, seconds=5):
        """Take messages until one of a kind ("frame" for frames) comes, and return it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, f"no {kind}, but {self.seen[-3:]}"
            with contextlib.suppress(asyncio.TimeoutError):
                message = json.loads(await self.communicator.receive_from(timeout=left))
                self.seen.append(message)
                if message.get("t", "frame") == kind:
                    return message

    async def hear_event(self, kind, *, seconds=5):
        deadline = asyncio.get_running_loop().time() + seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            frame = await self.hear("frame", seconds=left)
            for event in frame["events"]:
                if event["t"] == kind:
                    return event
        raise AssertionError(f"no {kind}")

    async def hear_close(self, *, seconds=5):
        deadline = asyncio.get_running_loop().time() + seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            output = await self.communicator.receive_output(timeout=left)
            if output["type"] == "websocket.close":
                return output["code"]
        raise AssertionError("it was not closed")


@pytest.fixture
async def visit(transactional_db):
    """visit(path, user) opens a socket of the whole application and says `resume`."""
    from liveshop.asgi import application

    opened = []

    async def open_socket(path, user=None, *, headers=None, resume=None):
        sent = [ORIGIN]
        if user is not None:
            cookie, _ = await in_thread(cookie_of, user)
            sent.append(cookie)
        communicator = Communicator(application, path, headers=headers or sent)
        accepted, _ = await communicator.connect(timeout=5)
        assert accepted
        page = Page(communicator)
        opened.append(page)
        await page.say(t="resume", **({} if resume is None else {"rooms": resume}))
        return page

    yield open_socket
    for page in opened:
        with contextlib.suppress(BaseException):
            await page.communicator.disconnect(timeout=2)
    await hub_here().close()


@pytest.fixture
async def talk(transactional_db):
    """talk(show, user) opens a conversation; its hub is closed after the test."""
    talks = []

    async def begin(show=None, user=None, **kinds):
        who = kinds.pop("who", None) or (None if user is None else known(user))
        one = Talk(who=who, piece_id=None if show is None else show.pk, **kinds)
        talks.append(one)
        one.is_open = await one.open()
        return one

    yield begin
    for one in talks:
        one.conversation.end()
    await hub_here().close()
