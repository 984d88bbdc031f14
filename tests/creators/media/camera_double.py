"""A camera's browser and a reception, played by the tests."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from creators.media import access, camera
from creators.media.publishing import Refusal

STREAM = UUID(int=1)
SITE = "http://127.0.0.1:8000"


class FakeIntake:
    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()
        self.data = b""
        self.began_at = None
        self.is_closed = False
        self.may_take = asyncio.Event()
        self.may_take.set()

    async def write(self, data):
        await self.may_take.wait()
        if self.ended.done():
            raise self.ended.result()
        self.data += data

    def note_capture(self, at):
        self.began_at = at

    async def close(self):
        self.is_closed = True


class FakeReception:
    """Lets one in at a time, as the real one does."""

    def __init__(self):
        self.intakes = []
        self.asked = []
        self.refusal = None

    async def by_token(self, stream_id, token, *, container, address):
        self.asked.append((stream_id, token, container, address))
        if self.refusal is not None:
            raise self.refusal
        if any(not one.is_closed for one in self.intakes):
            raise Refusal("already_publishing")
        self.intakes.append(FakeIntake())
        return self.intakes[-1]

    @property
    def intake(self):
        return self.intakes[-1]


class Browser:
    """The other end of the socket."""

    def __init__(self, reception, *, path=None, origin=SITE, token=None, sender="page-of-bob"):
        token = token or access.sign(
            STREAM, purpose="publish", until=datetime.now(UTC) + timedelta(hours=1)
        )
        self.sender = sender
        self.heard = []
        self.accepted = False
        self.closed = None
        self._inbox = asyncio.Queue()
        self._news = asyncio.Event()
        scope = {
            "type": "websocket",
            "path": path or f"/ingest/{STREAM}/{token}/",
            "headers": [(b"origin", origin.encode())],
            "client": ("192.0.2.7", 5000),
        }
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(
            camera.camera(scope, self._inbox.get, self._take, reception=reception)
        )

    async def _take(self, message):
        if message["type"] == "websocket.accept":
            self.accepted = True
        elif message["type"] == "websocket.close":
            self.closed = message["code"]
        else:
            self.heard.append(json.loads(message["text"]))
        self._news.set()

    def say(self, **message):
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def send(self, data):
        self._inbox.put_nowait({"type": "websocket.receive", "bytes": data})

    def hello(self, **more):
        said = {"t": "hello", "container": "webm", "mime": "video/webm", "sender": self.sender}
        self.say(**said | more)

    def leave(self):
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def hears(self, kind):
        async with asyncio.timeout(3):
            while True:
                for message in self.heard:
                    if message["t"] == kind:
                        return message
                self._news.clear()
                await self._news.wait()

    async def ends(self):
        async with asyncio.timeout(3):
            await self.task
        return self.closed
