"""Conversations without a server, and who takes part in them."""

import asyncio
import json

from creators.stage.conversation import Conversation
from creators.stage.identity import Identity, guest
from creators.stage.lines import AsgiLine
from tests.creators.stage.waiting import until


def known(user, *, is_operator=False):
    """Who a user is, as the cookie would tell; without a session that rounds could end."""
    return Identity(
        user_id=user.pk,
        name=user.display_name,
        session_key=None,
        session_hash="",
        cart_token=None,
        invites=frozenset(),
        is_operator=is_operator,
        viewer=f"u:{user.pk}",
    )


class Talk:
    """The other side of a conversation; its reader can be stopped."""

    def __init__(self, *, who=None, piece_id=None, address="10.0.0.1"):
        self.told = []
        self.closed = None
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.line = AsgiLine(self._send)
        self.conversation = Conversation(
            self.line,
            identity=who or guest(),
            piece_id=piece_id,
            address=address,
            language="en",
        )

    async def _send(self, message):
        if message["type"] == "websocket.close":
            self.closed = message["code"]
            return
        if not self.may_read.is_set():
            await self.may_read.wait()
        self.told.append(json.loads(message["text"]))

    async def open(self):
        return await self.conversation.open()

    def say(self, **message):
        self.conversation.take(json.dumps(message))

    def heard(self, kind):
        return [one for one in self.told if one.get("t", "frame") == kind]

    async def hear(self, kind, *, times=1):
        await until(lambda: len(self.heard(kind)) >= times)
        return self.heard(kind)[-1]
