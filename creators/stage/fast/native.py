"""The stage's own websocket protocol for uvicorn, `ws=RoomProtocol`: ready frames, no ASGI.

`/ws/live/<id>/` and `/ws/me/` are served here; every other path, and all of them while
STAGE_FAST_PATH is off, goes to uvicorn's own class untouched.
"""

import asyncio
import logging
import random
import time
from http import HTTPStatus
from typing import Any, Final, cast

from django.conf import settings
from django.http.cookie import parse_cookie
from uvicorn.config import Config
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from creators.stage.conversation import Conversation
from creators.stage.desk import desk_here
from creators.stage.fast.connection import Connection
from creators.stage.fast.handshake import Head, Refusal, accept, negotiate, switching
from creators.stage.fast.websocket import Kind, Message
from creators.stage.identity import identify, is_allowed_origin
from creators.stage.languages import language_of
from creators.stage.metrics import Way
from creators.stage.refusals import TooMany
from creators.stage.sockets import is_ours, piece_in
from creators.stage.wire import MAX_INBOUND_BYTES, Close
from shops.facts.addresses import address_of
from shops.facts.tracing import begin_connection, connection_id

log = logging.getLogger(__name__)

# At the end of a process its sockets are closed within that time, not all in one moment.
STAGGER_SECONDS: Final = 1.5

_Begun = tuple[Config, ServerState, dict[str, Any]]


class RoomProtocol(Connection):
    """One client of uvicorn's, from its opening request on; it is the conversation's line."""

    __slots__ = ("_begun", "_connections", "_conversation", "_name", "_opening", "_stock")

    way: Way = "native"
    needs_ping = True

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__()
        self._begun: _Begun | None
        self._begun = config, server_state, app_state
        # uvicorn's, of protocols of its own.
        self._connections: set[Any] = server_state.connections
        self._stock: WebSocketsSansIOProtocol | None = None
        self._conversation: Conversation | None = None
        self._opening: asyncio.Task[None] | None = None
        self._name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvicorn's HTTP protocol, which read the request, and its parser hold each other: each
        # connection would leave both behind, with its headers, until the collector comes by.
        before = cast(asyncio.Transport, transport).get_protocol()
        if getattr(before, "parser", None) is not None:
            before.parser = None  # type: ignore[attr-defined]
        super().connection_made(transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._stock is not None:
            self._stock.data_received(data)
        elif self._begun is not None:
            # uvicorn hands over the whole head at once, and nothing with it.
            begun, self._begun = self._begun, None
            self._meet(data, begun)
        else:
            super().data_received(data)

    # --- The handshake --------------------------------------------------------------------

    def _meet(self, data: bytes, begun: _Begun) -> None:
        head = Head(data)
        if not is_ours(head.path) or not settings.STAGE_FAST_PATH:
            self._leave_to_stock(data, begun)
            return
        try:
            accepted = accept(head)
            if not is_allowed_origin(head.find("origin")):
                raise Refusal(HTTPStatus.FORBIDDEN, "This page may not open a websocket here.")
        except Refusal as refusal:
            self._refuse(refusal)
            return
        extension = negotiate(head.all("sec-websocket-extensions"))
        answer = switching(accepted, extension=extension)
        peer = get_remote_addr(self._transport)
        address = address_of("" if peer is None else peer[0], head.all("x-forwarded-for"))
        full = desk_here().refusal(address)
        if full is not None:
            self._transport.write(answer)
            self.begin(limit=MAX_INBOUND_BYTES, inflates=extension is not None)
            self.close(full)
            return
        # It has nothing to say before it is answered.
        self._transport.pause_reading()
        self._opening = asyncio.ensure_future(
            self._open(head, answer, address=address, inflates=extension is not None)
        )

    async def _open(self, head: Head, answer: bytes, *, address: str, inflates: bool) -> None:
        self._name = begin_connection()
        cookies = parse_cookie(head.all("cookie", "; "))
        try:
            who = await identify(cookies.get(settings.SESSION_COOKIE_NAME))
            self._transport.write(answer)
            self.begin(limit=MAX_INBOUND_BYTES, inflates=inflates)
            wishes = head.get("accept-language").encode("latin-1")
            self._conversation = Conversation(
                self,
                identity=who,
                piece_id=piece_in(head.path),
                address=address,
                language=language_of(
                    {"cookies": cookies, "headers": [(b"accept-language", wishes)]}
                ),
            )
            await self._conversation.open()
            # Also when it was closed: its own close is waited for.
            if not self._transport.is_closing():
                self._transport.resume_reading()
        except Exception:
            log.exception("a websocket could not be opened")
            self._refuse(
                Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a moment.", "Retry-After: 5")
            )
        finally:
            self._opening = None

    def _refuse(self, refusal: Refusal) -> None:
        """Answer by HTTP, or just hang up when websocket is spoken already."""
        if self.is_open:
            self._transport.abort()
            return
        self.is_closed = True
        self._transport.write(refusal.answer())
        self._transport.close()

    def _leave_to_stock(self, data: bytes, begun: _Begun) -> None:
        config, server_state, app_state = begun
        self._connections.discard(self)
        stock = self._stock = WebSocketsSansIOProtocol(
            config=config, server_state=server_state, app_state=app_state
        )
        stock.connection_made(self._transport)
        stock.data_received(data)
        # uvicorn makes this object the transport's protocol when it comes back from here.
        asyncio.get_running_loop().call_soon(self._step_aside, stock)

    def _step_aside(self, stock: asyncio.Protocol) -> None:
        if not self._transport.is_closing():
            self._transport.set_protocol(stock)

    # --- The conversation -----------------------------------------------------------------

    def received(self, message: Message) -> None:
        if self._conversation is None:
            return
        # All transports of a server share one context.
        token = connection_id.set(self._name)
        try:
            self._conversation.take(message.text if message.kind is Kind.TEXT else None)
        finally:
            connection_id.reset(token)

    def signalled(self) -> bool:
        conversation = self._conversation
        if conversation is None:
            return True
        conversation.heard_at = time.monotonic()
        # They cost as what is said does.
        if conversation.desk.users.take(conversation.identity.viewer):
            return True
        conversation.refuse(TooMany(), None)
        return False

    def left(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.end()

    # --- What the transport and the server say ----------------------------------------------

    def pause_writing(self) -> None:
        if self._stock is None:
            super().pause_writing()
        else:
            self._stock.pause_writing()

    def resume_writing(self) -> None:
        if self._stock is None:
            super().resume_writing()
        else:
            self._stock.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        if self._stock is not None:
            self._stock.connection_lost(error)
            return
        super().connection_lost(error)
        self._connections.discard(self)
        if self._opening is not None:
            self._opening.cancel()

    def shutdown(self) -> None:
        """Close because the server ends, each at a moment of its own: they all come back."""
        if self._conversation is None:
            self._transport.close()
            return
        delay = random.uniform(0, STAGGER_SECONDS)  # noqa: S311  # nobody's secret
        asyncio.get_running_loop().call_later(delay, self._restart)

    def _restart(self) -> None:
        if self._conversation is None:
            return
        self._conversation.close(Close.SERVICE_RESTART)
