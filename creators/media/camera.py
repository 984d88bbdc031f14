"""The camera of a browser: a websocket of the origin that takes a recorder's bytes.

The address is `/ingest/<stream>/<token>/`. The browser says `hello` first, and when the answer is
`ready`, sends its container bytes as binary messages. Each connection is a new container: one that
comes back begins anew. In text, as JSON:

    browser: {"t": "hello", "container": "webm", "mime": …, "sender": …, "language": "en"}
             {"t": "clock", "c": 12.5}           asks for the server's time
             {"t": "began", "at": 1700000000000} when time 0 of its bytes was captured
    server:  {"t": "ready"}
             {"t": "clock", "c": 12.5, "s": 1700000000000}
             {"t": "health", "kbps": 2500, "waited_ms": 0}   each 2 s: what came, how long it waited
             {"t": "refused", "code": …, "text": …, "again": false}  then it closes

`again` says whether trying again may help. The codes of closing are in `Close`. Origins of other
sites are answered 403 before the handshake.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from django.conf import settings
from django.http.request import validate_host
from django.utils import translation
from django.utils.http import is_same_domain

from creators.media import access
from creators.media.publishing import Container, Intake, Reception, Refusal, TimedIntake

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A tenth of a second of the largest picture, a key frame in it, is far smaller.
LARGEST_MESSAGE: Final = 1024 * 1024
LARGEST_TEXT: Final = 2048
HELLO_SECONDS: Final = 5.0
HEALTH_SECONDS: Final = 2.0
# A recorder sends ten times a second: who is silent for so long is gone.
SILENT_SECONDS: Final = 8.0
# Texts beside the bytes: some to begin with, and so many a second.
FIRST_TEXTS: Final = 20
TEXTS_A_SECOND: Final = 2
CLOSE_SECONDS: Final = 3.0
# Trying again by itself may help after these.
AGAIN: Final = frozenset(
    {
        "bad_token",
        "already_publishing",
        "unavailable",
        "replaced",
        "too_many_bits",
        "no_video",
        "broken_stream",
    }
)
# When a clock is further off than this, what it says of the pictures' time is not believed.
BELIEVED_SECONDS: Final = 30.0


class Close(IntEnum):
    """Why the server closes; the browser stays away only after a `refused` that says so."""

    DONE = 1000
    TOO_LARGE = 1009
    FAILED = 1011
    # What was said is not of this protocol.
    NOT_UNDERSTOOD = 4400
    # After `refused`.
    REFUSED = 4403
    NO_SUCH_ADDRESS = 4404
    SILENT = 4408
    # The same page came in anew.
    REPLACED = 4409


class Hello(msgspec.Struct, frozen=True, tag_field="t", tag="hello"):
    """`sender` is the page's own random name: it may take the place of its earlier socket."""

    container: Container
    mime: Annotated[str, msgspec.Meta(max_length=100)]
    sender: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    language: Annotated[str, msgspec.Meta(max_length=10)] = ""


class Clock(msgspec.Struct, frozen=True, tag_field="t", tag="clock"):
    c: float


class Began(msgspec.Struct, frozen=True, tag_field="t", tag="began"):
    at: float


_said: msgspec.json.Decoder[Hello | Clock | Began] = msgspec.json.Decoder(Hello | Clock | Began)


class _Closing(Exception):
    """The connection ends, with this code."""

    def __init__(self, code: Close) -> None:
        self.code = code
        super().__init__(code)


def _header(scope: Scope, name: bytes) -> str:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def is_our_origin(origin: str) -> bool:
    """Tell whether a page of this origin may send pictures: our own site's, or a trusted one's."""
    try:
        parts = urlsplit(origin)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    if validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        return True
    for trusted in (settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS):
        known = urlsplit(trusted)
        if parts.scheme == known.scheme and is_same_domain(
            parts.netloc, known.netloc.removeprefix("*")
        ):
            return True
    return False


def _address_of(path: str) -> tuple[UUID, str] | None:
    match path.strip("/").split("/"):
        case ["ingest", stream, token]:
            with contextlib.suppress(ValueError):
                return UUID(stream), token
    return None


# Who is on now, by stream and page.
_cameras: dict[tuple[UUID, str], "_Camera"] = {}


async def camera(scope: Scope, receive: Receive, send: Send, *, reception: Reception) -> None:
    """Serve one websocket of a camera."""
    if (await receive())["type"] != "websocket.connect":
        return
    if not is_our_origin(_header(scope, b"origin")):
        await send({"type": "websocket.close", "code": Close.REFUSED})
        return
    await _Camera(scope, receive, send, reception).run()


class _Camera:
    """One open websocket, and the intake that its bytes go to."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, reception: Reception) -> None:
        self._path: str = scope["path"]
        self._host: str = (scope.get("client") or ("", 0))[0]
        self._receive = receive
        self._send = send
        self._reception = reception
        self._intake: Intake | None = None
        self._language = ""
        self._began = time.monotonic()
        self._texts = 0
        self._bytes = 0
        self._waited = 0.0
        # Since when nothing has come; None while what came is being taken.
        self._silent_since: float | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_replaced = False
        self._gone = asyncio.Event()

    async def run(self) -> None:
        try:
            await self._send({"type": "websocket.accept"})
            # A task of its own: it can be ended without ending the server's.
            self._work = asyncio.create_task(self._serve())
            try:
                await self._work
                code = Close.DONE
            except _Closing as closing:
                code = closing.code
            except Refusal as refusal:
                await self._refuse(refusal)
                code = Close.REFUSED
            except asyncio.CancelledError:
                if not self._is_replaced:
                    raise
                code = Close.REPLACED
            except Exception:
                log.exception("a camera's connection failed")
                code = Close.FAILED
        finally:
            if self._work is not None:
                self._work.cancel()
            try:
                if self._intake is not None:
                    await self._intake.close()
            finally:
                self._gone.set()
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code})

    async def replace(self) -> None:
        """End it, because its page came in anew; waits until its intake is closed."""
        self._is_replaced = True
        if self._work is not None:
            self._work.cancel()
        await self._gone.wait()

    async def _serve(self) -> None:
        address = _address_of(self._path)
        if address is None:
            raise _Closing(Close.NO_SUCH_ADDRESS)
        stream_id, token = address
        hello = await self._hello()
        self._language = hello.language
        # Looked at here, too, because only who may send may take an earlier socket's place.
        if not access.is_valid(token, stream_id, purpose="publish", now=datetime.now(UTC)):
            raise Refusal("bad_token")
        key = (stream_id, hello.sender)
        if (earlier := _cameras.get(key)) is not None:
            await earlier.replace()
        _cameras[key] = self
        try:
            self._intake = await self._reception.by_token(
                stream_id, token, container=hello.container, address=self._host
            )
            await self._say({"t": "ready"})
            await self._take(self._intake)
        finally:
            if _cameras.get(key) is self:
                del _cameras[key]

    async def _hello(self) -> Hello:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                message = await self._next()
        except TimeoutError:
            raise _Closing(Close.SILENT) from None
        said = self._read(message.get("text") or "")
        if not isinstance(said, Hello):
            raise _Closing(Close.NOT_UNDERSTOOD)
        return said

    async def _take(self, intake: Intake) -> None:
        """Do all that an open camera needs, until one of it ends."""
        works = {
            asyncio.create_task(self._listen(intake)),
            asyncio.create_task(self._tell_health()),
            asyncio.create_task(self._watch(intake)),
        }
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        # The intake's own reason before what followed from it.
        for work in sorted(done, key=lambda work: not isinstance(work.exception(), Refusal)):
            work.result()

    async def _listen(self, intake: Intake) -> None:
        while True:
            self._silent_since = time.monotonic()
            message = await self._next()
            self._silent_since = None
            data: bytes = message.get("bytes") or b""
            if len(data) > LARGEST_MESSAGE:
                raise _Closing(Close.TOO_LARGE)
            if data:
                began = time.monotonic()
                self._bytes += len(data)
                await intake.write(data)
                self._waited += time.monotonic() - began
            elif message.get("text") is not None:
                await self._hear(message["text"], intake)

    async def _hear(self, text: str, intake: Intake) -> None:
        self._texts += 1
        allowed = FIRST_TEXTS + TEXTS_A_SECOND * (time.monotonic() - self._began)
        said = self._read(text)
        if self._texts > allowed or isinstance(said, Hello):
            raise _Closing(Close.NOT_UNDERSTOOD)
        if isinstance(said, Clock):
            await self._say({"t": "clock", "c": said.c, "s": round(time.time() * 1000, 1)})
        elif (
            isinstance(intake, TimedIntake) and abs(said.at / 1000 - time.time()) < BELIEVED_SECONDS
        ):
            intake.note_capture(said.at / 1000)

    async def _tell_health(self) -> None:
        before, waited, at = 0, 0.0, time.monotonic()
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            now = time.monotonic()
            if self._silent_since is not None and now - self._silent_since > SILENT_SECONDS:
                raise _Closing(Close.SILENT)
            kbps = (self._bytes - before) * 8 / 1000 / (now - at)
            waited_ms = (self._waited - waited) * 1000
            before, waited, at = self._bytes, self._waited, now
            await self._say({"t": "health", "kbps": round(kbps), "waited_ms": round(waited_ms)})

    async def _watch(self, intake: Intake) -> None:
        """Wait until the intake ends by itself.

        :raises Refusal: it has a reason that the creator is told
        """
        refusal = await asyncio.shield(intake.ended)
        if refusal is not None:
            raise refusal

    async def _next(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _Closing(Close.DONE)
        return message

    @staticmethod
    def _read(text: str) -> Hello | Clock | Began:
        if len(text) > LARGEST_TEXT:
            raise _Closing(Close.TOO_LARGE)
        try:
            return _said.decode(text)
        except msgspec.DecodeError:
            raise _Closing(Close.NOT_UNDERSTOOD) from None

    async def _say(self, message: dict[str, object]) -> None:
        try:
            await self._send(
                {"type": "websocket.send", "text": msgspec.json.encode(message).decode()}
            )
        except (OSError, RuntimeError):
            # It went while we spoke.
            raise _Closing(Close.DONE) from None

    async def _refuse(self, refusal: Refusal) -> None:
        known = {code for code, _ in settings.LANGUAGES}
        language = self._language if self._language in known else settings.LANGUAGE_CODE
        with translation.override(language):
            text = refusal.text
        with contextlib.suppress(_Closing):
            await self._say(
                {
                    "t": "refused",
                    "code": refusal.code,
                    "text": text,
                    "again": refusal.code in AGAIN,
                }
            )
