"""What the origin answers with: bytes, their type, how long they may be kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PLAYLIST = b"application/vnd.apple.mpegurl"
MP4 = b"video/mp4"
JPEG = b"image/jpeg"
JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"

NEVER = b"no-store"
FOREVER = b"public, max-age=31536000, immutable"
# What only a token opens: a cache that kept it would go on giving it out when the token has run
# out, and when the stream is erased.
BRIEFLY = b"public, max-age=60, immutable"

_OPEN = (
    (b"access-control-allow-origin", b"*"),
    (b"timing-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
)


class Refused(Exception):
    """A short no, in plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Reply:
    """A whole reply; `chunks`, when there are any, are sent instead of `body`."""

    __slots__ = ("body", "chunks", "headers", "status")

    def __init__(
        self,
        body: bytes,
        kind: bytes,
        cache: bytes,
        *,
        status: int = 200,
        is_gzipped: bool = False,
        size: int | None = None,
        chunks: AsyncIterator[bytes] | None = None,
        extra: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.chunks = chunks
        length = len(body) if size is None else size
        self.headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % length),
            (b"cache-control", cache),
            *_OPEN,
            *extra,
        ]
        if kind is PLAYLIST:
            self.headers.append((b"vary", b"accept-encoding"))
        if is_gzipped:
            self.headers.append((b"content-encoding", b"gzip"))

    @classmethod
    def refusal(cls, refused: Refused) -> "Reply":
        extra = ((b"retry-after", b"1"),) if refused.status == 503 else ()
        body = f"{refused.text}\n".encode()
        return cls(body, TEXT, NEVER, status=refused.status, extra=extra)

    @classmethod
    def preflight(cls) -> "Reply":
        """Answer a browser that asks whether it may ask."""
        return cls(
            b"",
            TEXT,
            NEVER,
            status=204,
            extra=(
                (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
                (b"access-control-allow-headers", b"range"),
                (b"access-control-max-age", b"86400"),
            ),
        )

    async def send(self, scope: Scope, send: Send) -> None:
        headers = self.headers
        if self.status == 204:
            headers = [one for one in headers if one[0] not in (b"content-length", b"content-type")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if scope["method"] == "HEAD" or self.chunks is None:
            body = b"" if scope["method"] == "HEAD" else self.body
            await send({"type": "http.response.body", "body": body})
            return
        async for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
