"""A reception that lets one key in and keeps what it sent; a server on a free port."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from creators.media.publishing import Refusal
from creators.media.rtmp.server import LIMITS, serve
from tests.creators.media.rtmp.encoder import Encoder

KEY = "sk-bob-5eaf00d"


class Shelf:
    """An intake that keeps what it was given."""

    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()
        self.data = bytearray()
        self.closed = asyncio.Event()
        self.why = None
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, data):
        await self.open.wait()
        if self.ended.done():
            raise self.ended.result()
        self.data += data

    async def close(self, why=None):
        self.why = why
        self.closed.set()


class Reception:
    def __init__(self):
        self.asked = []
        self.shelves = []
        self.came = asyncio.Event()

    async def by_key(self, key, *, address):
        self.asked.append((key, address))
        await asyncio.sleep(0)
        if key != KEY:
            raise Refusal("unknown_key")
        if any(not shelf.closed.is_set() for shelf in self.shelves):
            raise Refusal("already_publishing")
        self.shelves.append(Shelf())
        self.came.set()
        return self.shelves[-1]


class Door:
    """A server, its reception, and encoders that come to it."""

    def __init__(self, server, reception):
        self.server, self.reception = server, reception
        self.port = server.sockets[0].getsockname()[1]
        self.encoders = []

    @property
    def shelf(self):
        return self.reception.shelves[-1]

    async def encoder(self):
        self.encoders.append(await Encoder.connect(self.port))
        return self.encoders[-1]

    async def empty(self):
        while self.server.connections:
            await asyncio.sleep(0.002)


@pytest.fixture
def opened():
    """Open a door with its limits changed: `async with opened(idle_s=1) as door`."""

    @asynccontextmanager
    async def opened(**changes):
        reception = Reception()
        limits = replace(LIMITS, **{"goodbye_s": 0.2, **changes})
        server = await serve(reception, host="127.0.0.1", port=0, limits=limits)
        door = Door(server, reception)
        try:
            async with asyncio.timeout(20):
                yield door
        finally:
            for encoder in door.encoders:
                await encoder.close()
            server.close()
            await server.wait_closed()

    return opened
