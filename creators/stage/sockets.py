"""The websockets of the pages by plain ASGI, on any server: `/ws/live/<id>/` and `/ws/me/`.

The server below speaks the protocol; here its messages go into a `Conversation`, and a `Line` takes
the way out that this server offers.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from django.conf import settings
from django.http.cookie import parse_cookie

from creators.stage.conversation import Conversation
from creators.stage.desk import desk_here
from creators.stage.fast.daphne import line_of
from creators.stage.identity import identify, is_allowed_origin
from creators.stage.languages import language_of
from shops.facts.addresses import address_of
from shops.facts.tracing import begin_connection

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LIVE: Final = re.compile(r"/ws/live/([0-9]{1,18})/")
_ME: Final = "/ws/me/"


def is_ours(path: str) -> bool:
    return path == _ME or _LIVE.fullmatch(path) is not None


def piece_in(path: str) -> int | None:
    """Find which show a socket of one of our paths is about; None for one's own."""
    found = _LIVE.fullmatch(path)
    return None if found is None else int(found[1])


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Take a handshake's headers; of those that may come more than once, all."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, value = (part.decode("latin-1") for part in pair)
        name = name.lower()
        if name in found:
            value = f"{found[name]}{'; ' if name == 'cookie' else ', '}{value}"
        found[name] = value
    return found


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one websocket until it closes."""
    await receive()
    headers = _headers(scope.get("headers", []))
    path = scope["path"]
    if not is_ours(path) or not is_allowed_origin(headers.get("origin")):
        # Before it is accepted, this is HTTP's 403.
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    begin_connection()
    line = line_of(send)
    peer = str((scope.get("client") or ("", 0))[0])
    address = address_of(peer, headers.get("x-forwarded-for", ""))
    refusal = desk_here().refusal(address)
    if refusal is not None:
        line.close(refusal)
        return
    cookies = parse_cookie(headers.get("cookie", ""))
    conversation = Conversation(
        line,
        identity=await identify(cookies.get(settings.SESSION_COOKIE_NAME)),
        piece_id=piece_in(path),
        address=address,
        language=language_of({"cookies": cookies, "headers": scope.get("headers", [])}),
    )
    del scope, headers, cookies
    await _converse(conversation, receive)


async def _converse(conversation: Conversation, receive: Receive) -> None:
    try:
        if not await conversation.open():
            return
        while not conversation.line.is_closed:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                break
            conversation.take(message.get("text"))
    finally:
        conversation.end()
