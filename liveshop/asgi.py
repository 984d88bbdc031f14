"""The entry for HTTP and websockets."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveshop.settings")

django.setup(set_prefix=False)

# After Django is set up: these import models.
from creators.stage.hub import hub_here  # noqa: E402
from creators.stage.sockets import websocket  # noqa: E402
from liveshop.requests import Message, Receive, Requests, Send  # noqa: E402

http = Requests()


async def lifespan(receive: Receive, send: Send) -> None:
    """Tell the open sockets to come back elsewhere when the server, if it asks, shuts down."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await hub_here().close()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Sockets know who is there by `creators.stage.identity`; requests pass Django's middleware."""
    if scope["type"] == "websocket":
        await websocket(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await http(scope, receive, send)
