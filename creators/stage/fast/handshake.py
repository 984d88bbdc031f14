"""A websocket's opening request: read, judged, and answered (RFC 6455, 4.2; RFC 7692, 7.1)."""

import base64
import binascii
import hashlib
from http import HTTPStatus
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# A message is deflated once for all, with the largest window: who needs a smaller one gets none.
WINDOW_BITS: Final = 15
_NO_CONTEXT: Final = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
_FLAGS: Final = frozenset(["server_no_context_takeover", "client_no_context_takeover"])
_WINDOWS: Final = frozenset(["server_max_window_bits", "client_max_window_bits"])


class Refusal(Exception):
    """Why a request does not become a websocket, as an HTTP answer."""

    def __init__(self, status: HTTPStatus, text: str, *headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers

    def answer(self) -> bytes:
        body = f"{self.text}\n".encode()
        head = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *self.headers,
        ]
        return "\r\n".join([*head, "", ""]).encode() + body


class Head:
    """A request's first line and its headers, by lower-case name; of two with a name, both."""

    __slots__ = ("_headers", "method", "path", "version")

    def __init__(self, data: bytes) -> None:
        first, *lines = data.decode("latin-1").split("\r\n")
        self.method, _, rest = first.partition(" ")
        target, _, self.version = rest.rpartition(" ")
        self.path = target.partition("?")[0]
        self._headers: dict[str, list[str]] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                self._headers.setdefault(name.lower(), []).append(value.strip(" \t"))

    def get(self, name: str) -> str:
        """Return a header's value, "" without one; of several, the last."""
        found = self._headers.get(name)
        return found[-1] if found else ""

    def find(self, name: str) -> str | None:
        found = self._headers.get(name)
        return found[-1] if found else None

    def all(self, name: str, separator: str = ", ") -> str:
        """Return what several headers of a list's name say together."""
        return separator.join(self._headers.get(name, ()))


def accept(head: Head) -> str:
    """Check what a browser must say; return the key to answer with.

    :raises Refusal: it is not a websocket's request, or of another version
    """
    if head.method != "GET":
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "A websocket is opened by GET.", "Allow: GET")
    if head.version != "HTTP/1.1" or not head.get("host"):
        raise Refusal(HTTPStatus.BAD_REQUEST, "A websocket needs HTTP/1.1 and a host.")
    if "websocket" not in _tokens(head.all("upgrade")) or "upgrade" not in _tokens(
        head.all("connection")
    ):
        raise Refusal(
            HTTPStatus.UPGRADE_REQUIRED,
            "Here is a websocket.",
            "Upgrade: websocket",
        )
    if head.get("sec-websocket-version") != "13":
        raise Refusal(
            HTTPStatus.UPGRADE_REQUIRED,
            "Only version 13 of websockets is spoken here.",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        )
    key = head.get("sec-websocket-key")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise Refusal(HTTPStatus.BAD_REQUEST, "The websocket's key is not one.")
    return base64.b64encode(
        hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    ).decode()


def switching(accepted: str, *, extension: str | None) -> bytes:
    """Build the answer with which the websocket is open."""
    told = f"Sec-WebSocket-Extensions: {extension}\r\n" if extension else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accepted}\r\n{told}\r\n"
    ).encode()


def negotiate(offers: str) -> str | None:
    """Choose the first offer of compression that shared messages fit; None: not compressed."""
    for offer in offers.split(","):
        name, *given = (part.strip() for part in offer.split(";"))
        if name == "permessage-deflate":
            answer = _answer_to(given)
            if answer is not None:
                return answer
    return None


def _answer_to(given: list[str]) -> str | None:
    seen: set[str] = set()
    answer = _NO_CONTEXT
    for part in given:
        name, has_value, value = (word.strip() for word in part.partition("="))
        value = value.strip('"')
        if name in seen:
            return None
        seen.add(name)
        if name in _FLAGS and not has_value:
            continue
        if name == "client_max_window_bits" and not has_value:
            continue
        if name not in _WINDOWS or value not in _BITS:
            return None
        if name == "server_max_window_bits":
            if int(value) < WINDOW_BITS:
                return None
            answer += f"; server_max_window_bits={value}"
    return answer


_BITS: Final = frozenset(str(bits) for bits in range(8, 16))


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}
