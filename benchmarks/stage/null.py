"""A server that only sends ready frames, as fast as they are taken: what the bench itself can do.

`python -m benchmarks.stage.null PORT EVENTS`: each frame holds so many events of the bench.
"""

import asyncio
import sys
import time
from typing import Final, cast

import uvloop

from benchmarks.stage import words

_HELLO: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)
_SNAPSHOT: Final = b'{"t":"snapshot","room":"live","epoch":"null","seq":%d}'
_PADDING: Final = "x" * 60


class Taker(asyncio.Protocol):
    """One connection: a handshake, a snapshot, and then it is one of those who take."""

    everyone: Final[list[asyncio.Transport]] = []
    seq = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but name.
        self.transport = cast(asyncio.Transport, transport)
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        if not self.is_open and data.endswith(b"\r\n\r\n"):
            self.is_open = True
            self.transport.write(_HELLO + words.plain(_SNAPSHOT % Taker.seq))
            self.everyone.append(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_open:
            self.everyone.remove(self.transport)


def frame(first: int, count: int) -> bytes:
    now = time.time()
    events = ",".join(
        f'{{"seq":{seq},"at":{now * 1000:.0f},"t":"sold","product_id":1,'
        f'"title":"{words.mark("hub", seq, now)} {_PADDING}"}}'
        for seq in range(first, first + count)
    )
    last = first + count - 1
    head = f'{{"room":"live","epoch":"null","from":{first},"seq":{last},"at":0,"events":['
    return words.plain(f"{head}{events}]}}".encode())


async def blast(port: int, events: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Taker, "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    # Until all are there: the bench says so by a line.
    await asyncio.to_thread(sys.stdin.readline)
    stop = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while not stop.done():
        ready = frame(Taker.seq + 1, events)
        Taker.seq += events
        for at, transport in enumerate(list(Taker.everyone)):
            transport.write(ready)
            if at % 512 == 511:
                await asyncio.sleep(0)
        while any(one.get_write_buffer_size() > 0 for one in Taker.everyone):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(blast(int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
