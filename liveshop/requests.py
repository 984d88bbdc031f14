"""Requests are answered by threads, each by one from its begin to its end.

All views and middleware are synchronous. Django's own handler for ASGI makes a thread for each
request and goes to and fro between it and the loop four times, which takes longer than most views.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextvars import copy_context
from io import BytesIO
from threading import Lock
from typing import IO, Any, cast

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import ResolverMatch, set_script_prefix

from liveshop import routes
from liveshop.probes import PROBES
from liveshop.threads import Threads, Work

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Response = HttpResponse | StreamingHttpResponse


class Requests(ASGIHandler):
    """Django's handler for ASGI without tasks: a view that works can't be called off anyway."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = Threads(settings.WEB_THREADS, "request")
        # A process that has much to do is alive: whoever asks stands before all who wait. It is
        # alive, too, while the database keeps whoever asks for more waiting.
        self._probes = {path: Threads(1, f"probe{path}") for path in PROBES}

    async def __call__(  # type: ignore[override]  # it is asked by none but our application
        self, scope: Message, receive: Receive, send: Send
    ) -> None:
        try:
            body = await self._body(receive)
        except RequestAborted:
            return
        run = copy_context().run
        threads = self._probes.get(scope["path"], self._threads)
        work = threads.give(run, self._answer, scope, body)
        try:
            if work.is_waiting and await _is_gone(work, receive) and threads.take_back(work):
                return
            # What a thread works at can't be called off.
            response: Response = await work.done
        except asyncio.CancelledError:
            threads.take_back(work)
            raise
        await send(_head(response))
        if isinstance(response, HttpResponse):
            await send({"type": "http.response.body", "body": response.content})
            return
        turns = Lock()

        def in_turn(step: Callable[..., Any], *arguments: Any) -> Any:
            # Who is called off in the midst of a part leaves a thread behind that still makes it.
            with turns:
                return run(step, *arguments)

        try:
            async for part in self._parts(response, in_turn):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            await self._threads.give(in_turn, response.close).done

    async def _body(self, receive: Receive) -> IO[bytes]:
        """Read a request's body; only one that comes in parts may need a file.

        :raises RequestAborted: its sender has gone
        """
        first = await receive()
        if first["type"] == "http.request" and not first.get("more_body", False):
            return BytesIO(first.get("body", b""))
        messages = iter([first])

        async def receive_again() -> Message:
            return next(messages, None) or await receive()

        found: IO[bytes] = await self.read_body(receive_again)
        return found

    def _answer(self, scope: Message, body: IO[bytes]) -> Response:
        """Make a whole answer and give back what it took; what is streamed is made later."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response = cast(Response, refusal if request is None else self.get_response(request))
        response._handler_class = type(self)  # type: ignore[union-attr]  # as Django does
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if isinstance(response, HttpResponse):
            response.close()
        else:
            # It is closed when it was sent, by whichever thread; this one has done its part.
            close_old_connections()
        return response

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        if hasattr(request, "urlconf"):
            match: ResolverMatch = super().resolve_request(request)
            return match
        request.resolver_match = routes.resolve(request.path_info)
        return request.resolver_match

    async def _parts(
        self, response: StreamingHttpResponse, in_turn: Callable[..., Any]
    ) -> AsyncIterator[bytes]:
        """Read what is streamed bit by bit, as it is sent; nobody's thread waits for that."""
        parts = iter(response)
        while (part := await self._threads.make(in_turn, _next, parts)) is not None:
            yield part


async def _is_gone(work: Work, receive: Receive) -> bool:
    """Wait until a request has its answer, or tell that its sender has gone before.

    People who wait load a page again and again: nothing is done for those who gave up.
    """
    leaving = asyncio.ensure_future(_left(receive))
    either: set[asyncio.Future[Any]] = {work.done, leaving}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
    return not work.done.done()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(parts: Iterator[bytes]) -> bytes | None:
    """Read a part; what it asked of the database is done then: the next one has another thread."""
    try:
        return next(parts, None)
    finally:
        close_old_connections()


def _head(response: Response) -> Message:
    headers = [(name.encode("ascii"), text.encode("latin1")) for name, text in response.items()]
    cookies = [
        (b"Set-Cookie", cookie.output(header="").encode("ascii").strip())
        for cookie in response.cookies.values()
    ]
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": [*headers, *cookies],
    }
