"""A subscription to what one Valkey server says, kept up."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final

import redis.asyncio
from redis.exceptions import MovedError

from creators.stage.valkey import FAILURES

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.1, 5.0)
# A subscription that says nothing for so long is asked whether it is still there.
QUIET_SECONDS = 1.0
# So many channels are subscribed to by one command.
AT_ONCE: Final = 200


class Subscription:
    """Its news are `on_message`, `on_control`, `on_subscribed`, `on_up`, `on_down`, `on_moved`.

    It reconnects by itself with back-off; whoever listens subscribes again in `on_up`.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        control_channel: str,
        *,
        by_command: Callable[[Iterable[str]], Iterable[Sequence[str]]],
    ) -> None:
        self.is_up = False
        self._client = client
        self._control_channel = control_channel
        self._by_command = by_command
        self._pubsub: Any = None
        # Channels to subscribe to or to leave, in this order, and who does it.
        self._wishes: dict[str, bool] = {}
        self._wishing: asyncio.Task[None] | None = None
        self.on_message: Callable[[str, bytes], None]
        self.on_control: Callable[[bytes], None]
        self.on_subscribed: Callable[[str], None]
        self.on_up: Callable[[], None]
        self.on_down: Callable[[], None]
        # A try to connect has failed.
        self.on_failure: Callable[[], None]
        # A channel is not this server's any longer.
        self.on_moved: Callable[[], None]

    def wish(self, channel: str, *, is_wanted: bool) -> None:
        """Wish to hear a channel, or not to. Forgotten while the server is away."""
        if self._pubsub is None or not self.is_up:
            return
        # The newest wish counts, and comes last.
        self._wishes.pop(channel, None)
        self._wishes[channel] = is_wanted
        if self._wishing is None or self._wishing.done():
            self._wishing = asyncio.ensure_future(self._fulfil())

    def forget(self, channels: Callable[[str], bool]) -> None:
        """Let go of channels that the server has let go of."""
        if self._pubsub is not None:
            for channel in [
                name for name in self._pubsub.shard_channels if channels(name.decode())
            ]:
                del self._pubsub.shard_channels[channel]

    async def _fulfil(self) -> None:
        """Tell Valkey all that is wished, a command for many channels."""
        while self._wishes and self._pubsub is not None:
            some = dict(islice(self._wishes.items(), AT_ONCE))
            for channel in some:
                del self._wishes[channel]
            wanted = [channel for channel, is_wanted in some.items() if is_wanted]
            unwanted = [channel for channel, is_wanted in some.items() if not is_wanted]
            with contextlib.suppress(*FAILURES):
                if unwanted:
                    for channels in self._by_command(unwanted):
                        await self._pubsub.sunsubscribe(*channels)
                if wanted:
                    for channels in self._by_command(wanted):
                        await self._pubsub.ssubscribe(*channels)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        shortest, longest = BACK_OFF_SECONDS
        delay = shortest
        while True:
            try:
                await self._listen()
            except FAILURES as error:
                log.warning("the stage has no Valkey: %s", error)
            except Exception:
                log.exception("the stage's subscription failed")
            if self.is_up:
                self.is_up = False
                delay = shortest
                self.on_down()
            self.on_failure()
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311  # not a secret
            delay = min(delay * 2, longest)

    async def close(self) -> None:
        if self._wishing is not None:
            self._wishing.cancel()
            await asyncio.gather(self._wishing, return_exceptions=True)

    async def _listen(self) -> None:
        """Take messages until the connection ends."""
        pubsub = self._pubsub = self._client.pubsub()
        unanswered = 0
        try:
            await pubsub.subscribe(self._control_channel)
            while True:
                try:
                    message = await pubsub.get_message(timeout=QUIET_SECONDS)
                except MovedError:
                    self.on_moved()
                    continue
                if message is None:
                    # A dead peer says nothing either: ask, and expect an answer.
                    unanswered += 1
                    if unanswered > 2:
                        raise TimeoutError("no answer on the subscription")
                    await pubsub.ping()
                    continue
                unanswered = 0
                self._take(message)
        finally:
            self._pubsub = None
            self._wishes.clear()
            with contextlib.suppress(*FAILURES):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "smessage":
            self.on_message(message["channel"].decode(), message["data"])
        elif kind == "ssubscribe":
            self.on_subscribed(message["channel"].decode())
        elif kind == "message":
            self.on_control(message["data"])
        elif kind == "subscribe":
            self.is_up = True
            self.on_up()
        elif kind == "sunsubscribe" and message["channel"] in self._pubsub.shard_channels:
            # Nobody asked for it.
            self.on_moved()
