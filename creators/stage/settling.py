"""Bringing a socket to where a room's events flow, when the ring alone cannot: by a snapshot."""

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from creators.stage import mods_state, snapshot, wire
from creators.stage.delivery import tell_degraded
from creators.stage.frames import Frame
from creators.stage.room import Room, Seat
from creators.stage.threads import in_thread
from creators.stage.who import you_of
from creators.stage.wire import Close, Position

if TYPE_CHECKING:
    from creators.stage.conversation import Conversation

log = logging.getLogger(__name__)


async def settle(who: "Conversation", seat: Seat, position: Position | None) -> None:
    """Let a seat follow its room: from a position of the log, or after a snapshot."""
    room = seat.room
    if room is None:
        return
    if room.kind == "live":
        await _settle(who, seat, room, position)
        return
    # Many may come together: the show first, then everybody's own, some at a time.
    async with who.desk.personal:
        await _settle(who, seat, room, position)


async def _settle(who: "Conversation", seat: Seat, room: Room, position: Position | None) -> None:
    hub = who.desk.hub
    await hub.opened(room)
    if position is not None and room.is_open:
        await hub.reach(room, position, trusted=False)
        if hub.follow(seat, position):
            return
    for _ in range(3):
        found, message = await _snapshot(who, room)
        if who.line.is_closed or seat.room is not room:
            return
        if found is None and room.is_open and room.kind != "live":
            # It opened only while the state was read.
            continue
        if found is None or not room.is_open:
            # No Valkey: a state to look at, and the truth about it.
            who.line.answer(message)
            tell_degraded(seat)
            if room.is_open:
                hub.doubt(room)
            return
        await hub.reach(room, found, trusted=True)
        if room.covers(found.epoch, found.seq) and not who.line.is_closed:
            # Nothing can come in between these two.
            who.line.answer(message)
            hub.follow(seat, found)
            return
        if who.piece_id is not None:
            who.desk.shows.outdate(who.piece_id)
    who.close(Close.SERVER_ERROR, "no snapshot could be made")


async def _snapshot(who: "Conversation", room: Room) -> tuple[Position | None, Frame]:
    if room.kind == "live" and who.piece_id is not None:
        return await _live(who, who.piece_id)
    # Where the room stands here is known before the tables are read, without asking Valkey.
    found = Position(epoch=room.epoch, seq=room.seq) if room.is_open else None
    state = await _state(who, room)
    return found, _frame(room.kind, found, state, await _you(who))


async def _live(who: "Conversation", piece_id: int) -> tuple[Position | None, Frame]:
    kept = await who.desk.shows.live_snapshot(piece_id)
    if who.role == "guest" and kept.for_guests:
        return kept.position, kept.for_guests[0]
    made = _frame("live", kept.position, kept.state, await _you(who))
    if who.role == "guest":
        # They are all told the same.
        kept.for_guests.append(made)
    return kept.position, made


async def _you(who: "Conversation") -> wire.You:
    """Tell a socket who it is, from what is known already."""
    url, standing = "", None
    if who.piece_id is not None:
        kept = await who.desk.shows.live_snapshot(who.piece_id)
        url = kept.host_url if who.role == "host" else kept.url
        standing = who.desk.shows.standing_of(who.piece_id)
    return you_of(who.identity, standing, url=url, now=datetime.now(UTC))


async def _state(who: "Conversation", room: Room) -> msgspec.Raw:
    now = datetime.now(UTC)
    if room.kind == "host" and who.piece_id is not None:
        return await in_thread(_raw_host, who.piece_id)
    if room.kind == "mods" and who.piece_id is not None:
        return await in_thread(_raw_mods, who.piece_id, now)
    return await who.desk.own_state(who.identity.owner)


def _raw_host(piece_id: int) -> msgspec.Raw:
    return wire.raw(snapshot.host_state(piece_id))


def _raw_mods(piece_id: int, now: datetime) -> msgspec.Raw:
    return wire.raw(mods_state.mods_state(piece_id, now=now))


def _frame(kind: wire.RoomKind, found: Position | None, state: msgspec.Raw, you: wire.You) -> Frame:
    return Frame(
        wire.encode(
            wire.Snapshot(
                room=kind,
                epoch="" if found is None else found.epoch,
                seq=0 if found is None else found.seq,
                at=time.time_ns() // 1_000_000,
                state=state,
                you=you,
            )
        )
    )
