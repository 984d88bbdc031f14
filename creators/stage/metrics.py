"""The stage's figures for Prometheus, of this process alone: who adds them up scrapes each one.

Counted once per frame, chunk or message, never once per socket and frame. No label holds what a
client chose: a value that is not ours counts as "other".
"""

import time
from collections.abc import Mapping, Sized
from typing import Any, Final, Literal, Protocol
from weakref import WeakSet

from prometheus_client import Counter, Gauge, Histogram

from creators.stage.wire import AnyInbound, Close

Way = Literal["native", "daphne", "asgi"]
# "slow": closed because it read nothing for too long; "lagging": a frame it was too slow for (it
# catches up later); "left_out": chat lines above a room's rate; "too_early": a batch that came
# before its room was open and that was pushed out by newer ones.
Drop = Literal["slow", "lagging", "left_out", "too_early"]

WAYS: Final[tuple[Way, ...]] = ("native", "daphne", "asgi")
DROPS: Final[tuple[Drop, ...]] = ("slow", "lagging", "left_out", "too_early")
OTHER: Final = "other"
# Refusals are named by our classes; should one ever be named otherwise, it ends here.
MOST_CODES: Final = 200
_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)

_connections = Gauge("liveshop_stage_connections", "Open websockets.", ["way"])
_deliveries = Counter("liveshop_stage_deliveries", "Events given to sockets: events by sockets.")
_frames = Counter("liveshop_stage_frames", "Room frames built, each once for all its sockets.")
_sent = Counter("liveshop_stage_frames_sent", "Room frames given to sockets.")
_bytes = Counter("liveshop_stage_bytes", "Bytes of room frames given to sockets.")
_latency = Histogram(
    "liveshop_stage_latency_seconds",
    "From the publishing of a frame's oldest event until its last socket has the frame.",
    buckets=_LATENCY,
)
_catch_ups = Counter("liveshop_stage_catch_ups", "Sockets that were given what they had missed.")
_resyncs = Counter("liveshop_stage_resyncs", "Sockets told to ask for a fresh snapshot.")
_drops = Counter("liveshop_stage_drops", "What a socket or a room did not get.", ["reason"])
_closes = Counter("liveshop_stage_closes", "Websockets that the server closed.", ["code"])
_refused = Counter("liveshop_stage_refused", "Clients' messages refused.", ["code"])
_inbound = Counter("liveshop_stage_inbound", "Clients' messages taken.", ["type"])
_valkey = Gauge("liveshop_stage_valkey_up", "1 while the stage is connected to Valkey.")
_reconnects = Counter("liveshop_stage_valkey_connects", "How often Valkey was connected to.")

_open: Final = {way: _connections.labels(way) for way in WAYS}
_dropped: Final = {reason: _drops.labels(reason) for reason in DROPS}
_closed: Final = {int(code): _closes.labels(str(int(code))) for code in Close}
# What the websocket's own rules are broken with, by a client that cannot speak.
_closed.update({code: _closes.labels(str(code)) for code in (1000, 1002, 1007)})
_said: Final = {
    str(kind.__struct_config__.tag): _inbound.labels(str(kind.__struct_config__.tag))
    for kind in AnyInbound.__args__
}
_codes: Final[set[str]] = set()


class _HasPending(Protocol):
    @property
    def pending(self) -> Sized: ...


class _HasRooms(Protocol):
    @property
    def rooms(self) -> Mapping[str, Any]: ...


_hubs: Final["WeakSet[_HasRooms]"] = WeakSet()


def watch(hub: _HasRooms) -> None:
    """Count a hub's rooms, and what waits in them, whenever the figures are read."""
    _hubs.add(hub)


def _rooms() -> list[_HasPending]:
    return [room for hub in list(_hubs) for room in list(hub.rooms.values())]


Gauge("liveshop_stage_rooms", "Rooms that this process has a socket in.").set_function(
    lambda: len(_rooms())
)
Gauge("liveshop_stage_queue_events", "Events that wait for their room's next frame.").set_function(
    lambda: sum(len(room.pending) for room in _rooms())
)


def connected(way: Way) -> None:
    """Count a websocket in; each is counted out once by `disconnected`."""
    _open[way].inc()


def disconnected(way: Way) -> None:
    _open[way].dec()


def delivered(*, events: int, sockets: int, size: int) -> None:
    """Count a frame of `size` bytes with so many events, given to so many sockets."""
    if sockets:
        _deliveries.inc(events * sockets)
        _sent.inc(sockets)
        _bytes.inc(size * sockets)


def framed(*, oldest_at_ms: int) -> None:
    """Count a frame that has gone to all sockets; `oldest_at_ms` is its oldest event's `at`."""
    _frames.inc()
    # Clocks of two machines differ by a little: nothing arrives before it was sent.
    _latency.observe(max(0.0, time.time() - oldest_at_ms / 1000))


def caught_up(sockets: int = 1) -> None:
    _catch_ups.inc(sockets)


def resynced(sockets: int = 1) -> None:
    _resyncs.inc(sockets)


def dropped(reason: Drop, count: int = 1) -> None:
    _dropped[reason].inc(count)


def closed(code: int) -> None:
    """Count a close that the server sent, by its code."""
    label = _closed.get(code)
    (_closes.labels(OTHER) if label is None else label).inc()


def refused(code: str) -> None:
    """Count a client's message that was refused, by the refusal's code."""
    if code not in _codes:
        if len(_codes) >= MOST_CODES:
            code = OTHER
        _codes.add(code)
    _refused.labels(code).inc()


def said(kind: str) -> None:
    """Count a client's message by its type."""
    label = _said.get(kind)
    (_inbound.labels(OTHER) if label is None else label).inc()


def valkey_is(up: bool) -> None:
    """Note that the stage's connection to Valkey came or went."""
    _valkey.set(up)
    if up:
        _reconnects.inc()
