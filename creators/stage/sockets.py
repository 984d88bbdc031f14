"""The websockets of the pages: `/ws/live/<id>/` on a show's page, `/ws/me/` on the others.

Plain ASGI under channels' routing, sessions and origin check. A live socket is in up to three
rooms: the show's, the host's (for its host), and the owner's own. The client says `resume` first,
with its position in each room, and gets exactly what it missed, or a snapshot.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
from django.urls import path
from django.utils import translation

from creators.audience.services import record_view, viewer_key
from creators.pieces.access import Door, is_invited
from creators.pieces.queries import is_on_air
from creators.stage import pictures, publishing, rooms, snapshot, wire
from creators.stage.desk import Desk, desk_here, in_thread
from creators.stage.languages import language_of
from creators.stage.lines import Line
from creators.stage.room import Seat
from creators.stage.wire import Close, Position, RoomKind
from creators.stage.writing import Written, write
from shops.checkout.owner import owner_from
from shops.facts.refused import Refused

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A client that does not say where it stands gets snapshots after this time.
RESUME_SECONDS = 2.0
QUALIFIED_SECONDS = 5.0
# Longer between two "watching": the page was hidden, and the time begins anew.
WATCHING_GAP_SECONDS = 12.0
# A page counts once in so long among those who say how far behind they are.
LAG_GAP_SECONDS = 5.0
MOST_REFUSALS = 200


class SignInFirst(Refused):
    code = "sign_in"
    message = translation.gettext_lazy("Sign in first.")
    status = 401


class TooMany(Refused):
    code = "too_many"
    message = translation.gettext_lazy("That was too much at once. Wait a moment.")
    status = 429


class NotHere(Refused):
    code = "not_here"
    message = translation.gettext_lazy("That is only possible on a show's page.")
    status = 400


class Socket:
    """One open websocket: who it is, the rooms it is in, and what it says."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.user = scope["user"]
        self.session = scope["session"]
        self.session_key: str | None = self.session.session_key
        self.user_id: int | None = self.user.pk if self.user.is_authenticated else None
        self.owner = owner_from(user=self.user, session=scope["session"])
        self.language = language_of(scope)
        self.address = (scope.get("client") or ("", 0))[0]
        self.viewer = (
            viewer_key(user=self.user, session_key=self.session_key)
            if self.user_id is not None or self.session_key
            else f"s:{uuid4().hex}"
        )
        self.line = Line(send)
        self.line.when_drained = self._drained
        self.desk: Desk = desk_here()
        self.piece_id: int | None = None
        self.host_id: int | None = None
        self.seats: dict[RoomKind, Seat] = {}
        self.names: dict[RoomKind, str] = {}
        self._receive = receive
        self._send = send
        self._refusals = 0
        self._settling = asyncio.Lock()
        self._has_resumed = False
        self._watching_since = self._watched_at = 0.0
        self._lag_at = -LAG_GAP_SECONDS
        self._is_counted = False

    # --- Life -----------------------------------------------------------------------------

    async def run(self, piece_id: int | None) -> None:
        await self._receive()
        await self._send({"type": "websocket.accept"})
        if not await self._find_rooms(piece_id):
            return
        self.desk.register(self)
        starter = self.desk.hub.spawn(self._start_anyway())
        try:
            while True:
                message = await self._receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self._take(message)
                if self.line.is_closed:
                    break
        finally:
            starter.cancel()
            self.desk.forget(self)
            self.line.gone()
            for seat in self.seats.values():
                self.desk.hub.leave(seat)

    async def _find_rooms(self, piece_id: int | None) -> bool:
        if piece_id is not None:
            door = await self.desk.door_of(piece_id)
            if door is None or not self._is_let_in(door, piece_id):
                self.line.close(Close.NO_SUCH_SHOW, "no such show")
                return False
            self.host_id = door.host_id
            self.piece_id = piece_id
            self.names["live"] = rooms.live_room(piece_id)
            if self._is_host:
                self.names["host"] = rooms.host_room(piece_id)
        if self.owner.room:
            self.names["me"] = self.owner.room
        if not self.names:
            self.line.close(Close.SIGNED_OUT, "nothing to follow")
            return False
        for kind in self.names:
            # Who shows is not watching, on whichever page.
            is_watching = kind == "live" and not self._is_host
            viewer = self.viewer if is_watching else ""
            self.seats[kind] = Seat(self.line, viewer=viewer)
        return True

    @property
    def _is_host(self) -> bool:
        return self.user_id is not None and self.user_id == self.host_id

    def _is_let_in(self, door: Door, piece_id: int) -> bool:
        return door.lets_in(user=self.user, invited=is_invited(self.session, piece_id))

    def may_stay(self, door: Door) -> bool:
        # What has just ended is left by who was there; nothing more happens in it.
        return door.is_closed or self.piece_id is None or self._is_let_in(door, self.piece_id)

    def close(self, code: Close) -> None:
        self.line.close(code)
        for seat in self.seats.values():
            self.desk.hub.leave(seat)

    def _drained(self) -> None:
        for seat in self.seats.values():
            self.desk.hub.drained(seat)

    # --- Where it stands ------------------------------------------------------------------

    async def _start_anyway(self) -> None:
        await asyncio.sleep(RESUME_SECONDS)
        if not self._has_resumed:
            await self._resume({})

    async def _resume(self, positions: dict[RoomKind, Position]) -> None:
        self._has_resumed = True
        async with self._settling:
            for kind in self.names:
                await self._settle(kind, positions.get(kind))

    async def _settle(self, kind: RoomKind, position: Position | None) -> None:
        """Bring one room's seat to where events flow: by resuming, or after a snapshot."""
        hub, seat = self.desk.hub, self.seats[kind]
        room = await hub.enter(seat, self.names[kind])
        if position is not None and room.is_open:
            await hub.reach(room, position, trusted=False)
            await self.line.drained()
            if hub.follow(seat, position):
                return
        for _ in range(3):
            found, message = await self._snapshot(kind)
            await self.line.drained()
            if found is None or not room.is_open:
                # No Valkey: a state to look at, and the truth about it.
                self.line.write(wire.encode(message).decode())
                hub.tell_degraded(seat)
                if room.is_open:
                    hub.doubt(room)
                return
            await hub.reach(room, found, trusted=True)
            await self.line.drained()
            if room.covers(found.epoch, found.seq):
                # Nothing can come in between these two.
                self.line.write(wire.encode(message).decode())
                hub.follow(seat, found)
                return
            if self.piece_id is not None:
                self.desk.outdate(self.piece_id)
        self.line.close(Close.SERVER_ERROR, "no snapshot could be made")

    async def _snapshot(self, kind: RoomKind) -> tuple[Position | None, wire.Snapshot]:
        now = datetime.now(UTC)
        if kind == "live" and self.piece_id is not None:
            kept = await self.desk.live_snapshot(self.piece_id)
            found, state = kept.position, kept.state
            you = await in_thread(self._you, now)
        else:
            try:
                reading = await self.desk.hub.link.read(self.names[kind])
                found = Position(epoch=reading.epoch, seq=reading.seq)
            except Exception as error:
                log.info("a snapshot has no position: %s", error)
                found = None
            state, you = await in_thread(self._personal, kind, now)
        return found, wire.Snapshot(
            room=kind,
            epoch="" if found is None else found.epoch,
            seq=0 if found is None else found.seq,
            at=time.time_ns() // 1_000_000,
            state=state,
            you=you,
        )

    def _you(self, now: datetime) -> wire.You:
        return snapshot.you(user=self.user, host_id=self.host_id, piece_id=self.piece_id, now=now)

    def _personal(self, kind: RoomKind, now: datetime) -> tuple[msgspec.Raw, wire.You]:
        if kind == "host" and self.piece_id is not None:
            return wire.raw(snapshot.host_state(self.piece_id, now=now)), self._you(now)
        return wire.raw(snapshot.me_state(self.owner)), self._you(now)

    # --- What it says ---------------------------------------------------------------------

    async def _take(self, message: MutableMapping[str, Any]) -> None:
        text = message.get("text")
        if text is None:
            self.line.close(Close.UNSUPPORTED, "text only")
            return
        if len(text) > wire.MAX_INBOUND_BYTES or len(text.encode()) > wire.MAX_INBOUND_BYTES:
            self.line.close(Close.TOO_LARGE, "16 KiB at most")
            return
        said: wire.AnyInbound | None = None
        try:
            user_may = self.desk.users.take(self.viewer)
            if not self.desk.addresses.take(self.address) or not user_may:
                raise TooMany
            said = wire.inbound.decode(text)
            await self._obey(said)
        except Refused as refused:
            with translation.override(self.language):
                await self._refuse(refused.code, str(refused), said)
        except msgspec.DecodeError as error:
            # Wrong JSON, an unknown type or field, a value out of bounds.
            await self._refuse("bad_message", str(error), said)
        except Exception:
            log.exception("a message of a socket failed")
            with translation.override(self.language):
                failed = translation.gettext("Something went wrong on our side. Try again.")
            await self._refuse("failed", failed, said)

    async def _refuse(self, code: str, text: str, said: wire.AnyInbound | None) -> None:
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            self.line.close(Close.TOO_MANY, "too many refusals")
            return
        await self.line.answer(
            wire.Error(
                code=code,
                text=text,
                re="" if said is None else str(said.__struct_config__.tag),
                ref=str(said.client_id) if isinstance(said, wire.SendChat) else "",
            )
        )

    async def _obey(self, said: wire.AnyInbound) -> None:
        match said:
            case wire.Resume(rooms=positions):
                await self._resume(positions)
            case wire.Ping():
                await self.line.answer(wire.Pong(at=time.time_ns() // 1_000_000))
            case wire.Watching(lag_ms=lag_ms):
                self._note_lag(lag_ms)
                await self._watch()
            case wire.Heart(count=count):
                self._need_user()
                self._need_show()
                room = self.seats["live"].room
                if room is not None:
                    room.hearts += count
            case wire.SayCaption():
                await in_thread(self._say_caption, said, self._need_show())
            case wire.SendChat() | wire.DeleteMessage() | wire.Mute() | wire.Unmute():
                self._need_user()
                await in_thread(self._write, said, self._need_show())

    def _need_user(self) -> None:
        if self.user_id is None:
            raise SignInFirst

    def _need_show(self) -> int:
        if self.piece_id is None:
            raise NotHere
        return self.piece_id

    def _write(self, said: Written, piece_id: int) -> None:
        with translation.override(self.language):
            write(said, user=self.user, piece_id=piece_id, now=datetime.now(UTC))

    def _say_caption(self, said: wire.SayCaption, piece_id: int) -> None:
        is_host = self._is_host
        # What others try must not use up what the host may say.
        if is_host and not self.desk.captions.take(self.names["live"]):
            raise TooMany
        with translation.override(self.language):
            card = pictures.say_caption(
                piece_id=piece_id,
                is_host=is_host,
                text=said.text,
                lang=said.lang,
                spoken_ms=said.spoken_ms,
                now=datetime.now(UTC),
            )
        publishing.publish(self.names["live"], [wire.Caption(caption=card)])

    def _note_lag(self, lag_ms: int | None) -> None:
        """Take a page's word on how far behind it is, now and then."""
        now = time.monotonic()
        if lag_ms is None or "live" not in self.seats or now - self._lag_at < LAG_GAP_SECONDS:
            return
        self._lag_at = now
        room = self.seats["live"].room
        if room is not None:
            room.lagging(lag_ms)

    async def _watch(self) -> None:
        """Count a view when the page said for 5 s that somebody looks at it."""
        piece_id = self._need_show()
        if self._is_host:
            return
        now = time.monotonic()
        if now - self._watched_at > WATCHING_GAP_SECONDS:
            self._watching_since = now
        self._watched_at = now
        is_known = self.user_id is not None or self.session_key
        if self._is_counted or not is_known or now - self._watching_since < QUALIFIED_SECONDS:
            return
        if await in_thread(self._count_view, piece_id):
            self.desk.figures_soon(piece_id)

    def _count_view(self, piece_id: int) -> bool:
        if not is_on_air(piece_id):
            return False
        self._is_counted = True
        return record_view(piece_id=piece_id, viewer=self.viewer, now=datetime.now(UTC))


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    await Socket(scope, receive, send).run(scope["url_route"]["kwargs"]["piece_id"])


async def me(scope: Scope, receive: Receive, send: Send) -> None:
    await Socket(scope, receive, send).run(None)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the handshake of any other path."""
    await receive()
    await send({"type": "websocket.close", "code": int(Close.NO_SUCH_SHOW)})


_ROUTES: Final[list[tuple[str, Any]]] = [
    ("ws/live/<int:piece_id>/", live),
    ("ws/me/", me),
    ("<path:rest>", nothing_here),
    ("", nothing_here),
]
websocket_urlpatterns = [path(route, socket) for route, socket in _ROUTES]
