"""Publishes numbered events of 150 bytes until its standard input ends, then says how many.

`python -m benchmarks.stage.publisher RATE live:1` publishes to a room of ours by the hub's door,
`… RATE http://127.0.0.1:8000` to a Socket.IO server, by a websocket. What is due at a moment is one
batch; each event says when it was published.
"""

import contextlib
import json
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.stage import words

EVENT_BYTES: Final = 150
# More at once than this are taken for a machine that stood still; they are published one by one.
MOST_AT_ONCE: Final = 50

Publish = Callable[[Sequence[str]], None]


def title(number: int, now: float, *, pad: int) -> str:
    return f"{words.mark('hub', number, now)} {'x' * pad}"


def to_our_room(room: str) -> Publish:
    """Publish by the door that Django code uses."""
    import django

    django.setup()
    from creators.stage.publishing import publish
    from creators.stage.wire import Sold, encode

    def sold(said: str) -> Sold:
        return Sold(product_id=1, title=said, buyer="Alice B.", quantity=1, sold=1)

    pad = EVENT_BYTES - len(encode(sold(title(100_000, time.time(), pad=0))))

    def publish_all(titles: Sequence[str]) -> None:
        if not publish(room, [sold(said + "x" * pad) for said in titles]):
            raise SystemExit("Valkey is not there.")

    return publish_all


def to_socketio(url: str) -> Publish:
    """Publish by one websocket of a Socket.IO server; what it does not take waits here."""
    parts = urlsplit(url)
    door = socket.create_connection((parts.hostname or "", parts.port or 80))
    path = "/socket.io/?EIO=4&transport=websocket&publisher=1"
    headers = {"Origin": url}
    door.sendall(words.request(path, host=parts.netloc, headers=headers, deflate=False))
    door.recv(65_536)
    door.sendall(words.masked(b"40"))
    time.sleep(0.3)
    door.recv(65_536)
    door.setblocking(False)
    waiting = bytearray()
    like: dict[str, Any] = {"t": "sold", "product_id": 1, "buyer": "Alice B.", "quantity": 1}
    like["sold"] = 1
    plain = json.dumps({**like, "title": title(100_000, time.time(), pad=0)}, separators=(",", ":"))
    pad = EVENT_BYTES - len(plain)

    def publish_all(titles: Sequence[str]) -> None:
        for said in titles:
            event = {**like, "title": said + "x" * pad}
            text = f'42["say",{json.dumps(event, separators=(",", ":"))}]'
            waiting.extend(words.masked(text.encode()))
        with contextlib.suppress(BlockingIOError):
            # The server's pings are answered, so that it does not hang up.
            if b"\x012" in door.recv(65_536):
                waiting.extend(words.masked(b"3"))
        with contextlib.suppress(BlockingIOError):
            del waiting[: door.send(waiting)]

    return publish_all


def main() -> None:
    rate, target = float(sys.argv[1]), sys.argv[2]
    publish = to_socketio(target) if target.startswith("http") else to_our_room(target)
    print("ready", flush=True)
    sys.stdin.readline()
    began, done, latest = time.time(), 0, 0.0
    while not select.select([sys.stdin], [], [], max(0.0, began + done / rate - time.time()))[0]:
        now = time.time()
        due = min(max(1, int((now - began) * rate) + 1 - done), MOST_AT_ONCE)
        latest = max(latest, now - (began + done / rate))
        publish([title(done + one + 1, now, pad=0) for one in range(due)])
        done += due
    print(json.dumps({"published": done, "latest_ms": round(latest * 1000, 1)}), flush=True)


if __name__ == "__main__":
    main()
