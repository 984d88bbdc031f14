"""Servers that say back what they hear, for conformance suites: our machine, and two others.

python -m tests.creators.stage.fast.echo native --port 8150
python -m tests.creators.stage.fast.echo uvicorn --port 8151
python -m tests.creators.stage.fast.echo daphne --port 8152
"""

import argparse
import asyncio
import sys
from http import HTTPStatus

import uvicorn

from creators.stage.fast.bytes import deflated_frame, framed, text_frame
from creators.stage.fast.connection import Connection
from creators.stage.fast.handshake import Head, Refusal, accept, negotiate, switching
from creators.stage.fast.websocket import Kind, Message

# The suite sends messages of 16 MB.
LIMIT = 64 << 20


class Echo(Connection):
    """As RoomProtocol, with an application that needs no site."""

    __slots__ = ("_connections", "_has_met")

    def __init__(self, config, server_state, app_state):
        super().__init__()
        self._connections = server_state.connections
        self._has_met = False

    def connection_made(self, transport):
        super().connection_made(transport)
        self._connections.add(self)

    def data_received(self, data):
        if self._has_met:
            super().data_received(data)
            return
        self._has_met = True
        head = Head(data)
        try:
            accepted = accept(head)
        except Refusal as refusal:
            self._transport.write(refusal.answer())
            self._transport.close()
            return
        extension = negotiate(head.all("sec-websocket-extensions"))
        self._transport.write(switching(accepted, extension=extension))
        self.begin(limit=LIMIT, inflates=extension is not None)

    def received(self, message: Message):
        if message.kind is Kind.BINARY:
            self._transport.write(framed(0x82, message.data))
        else:
            make = deflated_frame if self._inflates else text_frame
            self._transport.write(make(message.text.encode()))

    def connection_lost(self, error):
        super().connection_lost(error)
        self._connections.discard(self)

    def shutdown(self):
        self.close(1012)


async def app(scope, receive, send):
    """Say back what is heard, by plain ASGI."""
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": HTTPStatus.NOT_FOUND, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        said = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
        await send({"type": "websocket.send", **said})


def serve(server: str, port: int) -> None:
    if server == "daphne":
        from daphne.cli import CommandLineInterface

        name = f"{__name__ if __name__ != '__main__' else 'tests.creators.stage.fast.echo'}:app"
        CommandLineInterface().run(["-b", "127.0.0.1", "-p", str(port), "-v", "0", name])
        return
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws=Echo if server == "native" else "websockets-sansio",
        ws_max_size=LIMIT,
        lifespan="off",
        log_level="warning",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", choices=["native", "uvicorn", "daphne"])
    parser.add_argument("--port", type=int, required=True)
    told = parser.parse_args()
    asyncio.set_event_loop_policy(None)
    sys.exit(serve(told.server, told.port))
