"""Giving a room's events to its sockets: one frame for all, and what one of them missed."""

import asyncio
import logging
from collections.abc import Callable
from functools import wraps
from typing import Final

from creators.stage import metrics
from creators.stage.frames import Frame, frame, told_at
from creators.stage.room import Room, Seat, resync
from creators.stage.wire import Close, Notice, encode

log = logging.getLogger(__name__)

# After so many sockets the loop is given to others.
CHUNK: Final = 512

_DEGRADED: Final = Frame(encode(Notice(kind="degraded")))
_LIVE: Final = Frame(encode(Notice(kind="live")))


def give_up(seat: Seat, code: Close) -> None:
    """Close a socket; one that fails at that, too, does not take the others with it."""
    try:
        seat.line.close(code)
    except Exception:
        log.exception("a socket could not be closed")
        seat.line.gone()


def _alone(work: Callable[[Seat], None]) -> Callable[[Seat], None]:
    """Have a socket that fails, where none should, be the only one that is closed."""

    @wraps(work)
    def guarded(seat: Seat) -> None:
        try:
            work(seat)
        except Exception:
            log.exception("a socket failed")
            give_up(seat, Close.SERVER_ERROR)

    return guarded


async def deliver(room: Room) -> None:
    """Send what came in since the last frame, to all who follow."""
    events, room.pending = room.pending, []
    epoch, before, top = room.epoch, room.sent, room.seq
    room.sent = top
    room.catch_ups = None
    new = frame(room.kind, epoch, before + 1, top, events)
    members = room.members()
    for start in range(0, len(members), CHUNK):
        if start:
            await asyncio.sleep(0)
            if room.epoch != epoch:
                return
        given = 0
        for seat in members[start : start + CHUNK]:
            try:
                # Who left, or stands elsewhere, has another number.
                if seat.seq == before and seat.line.write(new):
                    seat.seq = top
                    given += 1
                else:
                    _not_given(room, seat, top)
            except Exception:
                log.exception("a socket failed")
                give_up(seat, Close.SERVER_ERROR)
        metrics.delivered(events=len(events), sockets=given, size=len(new))
    if events:
        metrics.framed(oldest_at_ms=told_at(events[0]))


def _not_given(room: Room, seat: Seat, top: int) -> None:
    """Look after a seat that stands elsewhere than most, or lags."""
    if seat.is_lagging or seat.seq >= top or not seat.follows:
        return
    if seat.line.is_blocked:
        seat.is_lagging = True
        metrics.dropped("lagging")
    elif not seat.line.is_closed:
        catch_up(seat)


@_alone
def catch_up(seat: Seat) -> None:
    """Give a socket what it missed, or tell it to ask for a snapshot; not while it lags."""
    room = seat.room
    if room is None or not seat.follows:
        return
    seat.is_lagging = seat.line.is_blocked
    if seat.is_lagging:
        return
    if not room.covers(seat.epoch, seat.seq):
        seat.line.write(resync(room.kind))
        room.resyncs += 1
        metrics.resynced()
        room.unfollow(seat)
    elif seat.seq < room.sent and seat.line.write(room.since(seat.seq)):
        seat.seq = room.sent
        room.caught_up += 1
        metrics.caught_up()


@_alone
def go_on(seat: Seat) -> None:
    """Give a socket that reads again, or whose room is open again, what it is owed."""
    room = seat.room
    if room is None:
        return
    if room.is_open:
        tell_live(seat, room)
        if seat.is_lagging:
            catch_up(seat)
    elif seat.is_cut_off:
        tell_degraded(seat)


@_alone
def tell_degraded(seat: Seat) -> None:
    """Tell a socket that events do not arrive for now; one that lags, when it reads again."""
    seat.is_cut_off = True
    if not seat.was_told_degraded:
        seat.was_told_degraded = seat.line.write(_DEGRADED)


def tell_live(seat: Seat, room: Room) -> None:
    """Tell a socket that events arrive again, whatever it could be told of it before.

    What it does not take now it is still owed.
    """
    if not seat.is_cut_off:
        return
    if seat.was_told_degraded and not seat.line.write(_LIVE):
        return
    seat.was_told_degraded = False
    # It came while Valkey was away and has a state without a position.
    if seat.follows or seat.line.write(resync(room.kind)):
        seat.is_cut_off = False
