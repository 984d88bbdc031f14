"""One open websocket, whatever server it comes by: who it is, its rooms, and what it says.

Nothing here reads or writes a socket: a `Line` writes, and whoever reads calls `take`. A live
socket is in up to four rooms: the show's, the host's (for its host), the moderators', and the
owner's own. The client says `resume` first, with its position in each room, and gets exactly what
it missed, or a snapshot.

What can be done at once is done at once, without a task; what must wait for PostgreSQL or Valkey
is done by a task of its own, one thing after the other, and all that is said meanwhile waits
behind it: a client's messages keep their order.
"""

import asyncio
import logging
import time
from collections import deque
from datetime import UTC, datetime
from typing import Final, NamedTuple

from creators.chat.standing import RoleName
from creators.pieces.access import Door
from creators.stage import metrics, rooms, wire
from creators.stage.desk import Desk, desk_here
from creators.stage.frames import Frame
from creators.stage.identity import Identity, identify
from creators.stage.lines import Line
from creators.stage.refusals import NotHere, SignInFirst, TooMany, told_as
from creators.stage.room import Seat
from creators.stage.settling import settle
from creators.stage.shows import judgement
from creators.stage.watching import Watching
from creators.stage.who import role_in
from creators.stage.wire import Close, Position, RoomKind
from creators.stage.writing import Written, lines_next, say_caption, write_all

log = logging.getLogger(__name__)

# A client that does not say where it stands gets snapshots after this time.
RESUME_SECONDS = 2.0
MOST_REFUSALS = 200
# So many messages may wait for what was said before them.
MOST_WAITING: Final = 64


class Settling(NamedTuple):
    """What is left of a `resume` after those rooms that had all that was missed."""

    seats: list[Seat]
    positions: dict[RoomKind, Position]


class Conversation:
    """`open` it, `take` each message, and `end` it when the other side has gone, however."""

    __slots__ = (
        "_drain",
        "_has_resumed",
        "_is_ended",
        "_is_open",
        "_queue",
        "_refusals",
        "_starter",
        "_watching",
        "_worker",
        "address",
        "desk",
        "heard_at",
        "identity",
        "language",
        "line",
        "piece_id",
        "role",
        "seats",
    )

    def __init__(
        self, line: Line, *, identity: Identity, piece_id: int | None, address: str, language: str
    ) -> None:
        self.line = line
        self.identity = identity
        self.piece_id = piece_id
        self.address = address
        self.language = language
        self.desk: Desk = desk_here()
        self.role: RoleName = "guest"
        self.seats: tuple[Seat, ...] = ()
        # When somebody was last known to be there: whoever reads sets it at a pong, too.
        self.heard_at = time.monotonic()
        self._is_open = False
        self._is_ended = False
        self._has_resumed = False
        self._refusals = 0
        self._starter: asyncio.TimerHandle | None = None
        self._queue: deque[wire.AnyInbound | Settling] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._watching: Watching | None = None
        line.when_drained = self._drained

    # --- Life -----------------------------------------------------------------------------

    async def open(self) -> bool:
        """Find the rooms; False when the line was closed instead (it then has ended)."""
        full = self.desk.register(self)
        if full is not None:
            self.line.close(full)
            self.end()
            return False
        try:
            refusal = await self._find_rooms()
            if refusal is Close.NO_SUCH_SHOW or refusal is Close.SIGNED_OUT:
                # An invite, or a cart, may have come into the session since it was read.
                self.identity = await identify(self.identity.session_key, fresh=True)
                refusal = await self._find_rooms()
        except Exception:
            log.exception("a socket could not be opened")
            refusal = Close.SERVER_ERROR
        if refusal is not None:
            self.line.close(refusal)
        if self.line.is_closed or self._is_ended:
            self.end()
            return False
        self._is_open = True
        if self._queue:
            self._go_on()
        later = asyncio.get_running_loop().call_later
        self._starter = later(RESUME_SECONDS, self._start_anyway)
        return True

    async def _find_rooms(self) -> Close | None:
        """Seat this one where it may be; or tell with what to close."""
        names: list[str] = []
        if self.piece_id is not None:
            show = await self.desk.shows.show_of(self.piece_id)
            if show is None or not self._is_let_in(show.door):
                return Close.NO_SUCH_SHOW
            self.role = role_in(self.identity, show.standing)
            refusal = judgement(self, show, now=datetime.now(UTC))
            if refusal is not None:
                return refusal
            names += rooms.of_show(self.piece_id, role=self.role)
        elif self.identity.user_id is not None:
            self.role = "viewer"
        if self.identity.room:
            names.append(self.identity.room)
        if not names:
            return Close.SIGNED_OUT
        # Who shows is not watching, on whichever page.
        viewer = "" if self.role == "host" else self.identity.viewer
        self.seats = tuple(
            Seat(self.line, name, viewer=viewer if rooms.kind_of(name) == "live" else "")
            for name in names
        )
        return None

    @property
    def is_seated(self) -> bool:
        """Tell whether it was decided who this is here; until then nothing can be judged."""
        return bool(self.seats)

    def _is_let_in(self, door: Door) -> bool:
        who = self.identity
        return door.admits(user_id=who.user_id, invited=self.piece_id in who.invites)

    def may_stay(self, door: Door) -> bool:
        # What has just ended is left by who was there; nothing more happens in it.
        return door.is_closed or self._is_let_in(door)

    def close(self, code: Close, reason: str = "") -> None:
        """Close from our side; the adapter calls `end` when the server tells that it is done."""
        self.line.close(code, reason)
        self._queue = None
        self._leave()

    def end(self) -> None:
        """Forget everything but what was said to be written down; once more does nothing."""
        if self._is_ended:
            return
        self._is_ended = True
        self.line.gone()
        if self._queue:
            self._queue = deque(said for said in self._queue if isinstance(said, Written))
        self._leave()
        self.desk.forget(self)

    def _leave(self) -> None:
        for seat in self.seats:
            self.desk.hub.leave(seat)
        if self._starter is not None:
            self._starter.cancel()
            self._starter = None
        self._wake()

    def _drained(self) -> None:
        for seat in self.seats:
            self.desk.hub.drained(seat)
        self._wake()

    def _wake(self) -> None:
        """Have the worker go on that waits for the reader."""
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    # --- What it says ---------------------------------------------------------------------

    def take(self, text: str | None) -> None:
        """Take a message (None: a binary one); never waits."""
        if self.line.is_closed:
            return
        self.heard_at = time.monotonic()
        if text is None:
            self.close(Close.UNSUPPORTED, "text only")
            return
        if len(text) > wire.MAX_INBOUND_BYTES or len(text.encode()) > wire.MAX_INBOUND_BYTES:
            self.close(Close.TOO_LARGE, "16 KiB at most")
            return
        said: wire.AnyInbound | None = None
        try:
            user_may = self.desk.users.take(self.identity.viewer)
            if not self.desk.addresses.take(self.address) or not user_may:
                raise TooMany
            said = wire.inbound.decode(text)
            metrics.said(str(said.__struct_config__.tag))
            if (
                self._queue
                or self._worker is not None
                or not self._is_open
                or not self._at_once(said)
            ):
                self._later(said)
        except Exception as error:
            self.refuse(error, said)

    def _later(self, said: wire.AnyInbound) -> None:
        if self._queue is None:
            self._queue = deque()
        if len(self._queue) >= MOST_WAITING:
            raise TooMany
        self._queue.append(said)
        self._go_on()

    def _go_on(self) -> None:
        if self._worker is None and self._is_open:
            self._worker = self.desk.hub.spawn(self._work())

    async def _work(self) -> None:
        """Do what is queued, in its order; nothing is read out for who does not read."""
        try:
            while self._queue:
                if self.line.is_blocked and not self.line.is_closed:
                    await self._until_drained()
                    continue
                said = self._queue.popleft()
                if self.line.is_closed and not isinstance(said, Written):
                    # Nobody is there to be told.
                    continue
                if isinstance(said, Settling):
                    await self._settle(said)
                elif isinstance(said, Written):
                    await write_all(self, [said, *lines_next(self._queue)])
                else:
                    try:
                        if not self._at_once(said):
                            await self._obey(said)
                    except Exception as error:
                        self.refuse(error, said)
        finally:
            self._worker = None
            if not self._queue:
                # There is one per socket: an empty one takes more than all else of an idle one.
                self._queue = None

    async def _until_drained(self) -> None:
        self._drain = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([self._drain], timeout=1)
        finally:
            self._drain = None

    def refuse(self, error: Exception, said: wire.AnyInbound | None) -> None:
        """Tell why a message was not obeyed; who goes on and on with such is closed."""
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            self.close(Close.TOO_MANY, "too many refusals")
            return
        code, text = told_as(error, language=self.language)
        metrics.refused(code)
        self.tell(
            wire.Error(
                code=code,
                text=text,
                re="" if said is None else str(said.__struct_config__.tag),
                ref=str(said.client_id) if isinstance(said, (wire.SendChat, wire.Ask)) else "",
            )
        )

    def tell(self, message: wire.Outbound) -> None:
        """Answer this client alone."""
        self.line.answer(Frame(wire.encode(message)))

    def need_user(self) -> int:
        if self.identity.user_id is None:
            raise SignInFirst
        return self.identity.user_id

    def need_show(self) -> int:
        if self.piece_id is None:
            raise NotHere
        return self.piece_id

    # --- At once --------------------------------------------------------------------------

    def _at_once(self, said: wire.AnyInbound) -> bool:
        """Obey if nothing has to be waited for; False when it has to."""
        match said:
            case wire.Ping():
                self.tell(wire.Pong(at=time.time_ns() // 1_000_000))
            case wire.Heart(count=count):
                self.need_user()
                self._give_hearts(count, self.need_show())
            case wire.Watching(lag_ms=lag_ms):
                return not self._has_watched(self.need_show(), lag_ms)
            case wire.Resume(rooms=positions):
                self._resume(positions)
            case wire.SayCaption():
                self.need_show()
                return False
            case _:
                self.need_user()
                self.need_show()
                return False
        return True

    def _give_hearts(self, count: int, piece_id: int) -> None:
        """Count hearts while the show is on, as many as a hand can give."""
        room = self.seats[0].room
        if room is not None and self.desk.shows.is_on_air(piece_id):
            room.hearts += self.desk.hearts.take_some(self.identity.viewer, count)

    def _has_watched(self, piece_id: int, lag_ms: int | None) -> bool:
        """Note a word of watching; tell whether that makes a view that is to be counted."""
        if self._watching is None:
            self._watching = Watching()
        watching = self._watching
        room = self.seats[0].room
        if lag_ms is not None and room is not None and watching.may_tell_lag():
            room.lagging(lag_ms)
        who = self.identity
        has_watched = watching.goes_on()
        return (
            has_watched
            and not watching.is_counted
            and self.role != "host"
            and (who.user_id is not None or who.session_key is not None)
            and not self.desk.has_counted(piece_id, who.viewer)
        )

    # --- Where it stands ------------------------------------------------------------------

    def _resume(self, positions: dict[RoomKind, Position]) -> None:
        """Let the seats follow from where they stand; those that cannot get a snapshot next."""
        self._has_resumed = True
        hub = self.desk.hub
        seats = []
        for seat in self.seats:
            position = positions.get(hub.sit(seat).kind)
            if position is None or not hub.follow(seat, position):
                seats.append(seat)
        if seats:
            if self._queue is None:
                self._queue = deque()
            # Whatever else was said comes after it.
            self._queue.appendleft(Settling(seats, positions))
            self._go_on()

    async def _settle(self, left: Settling) -> None:
        try:
            for seat in left.seats:
                await settle(self, seat, left.positions.get(rooms.kind_of(seat.name)))
        except Exception as error:
            self.refuse(error, wire.Resume(rooms=left.positions))

    def _start_anyway(self) -> None:
        self._starter = None
        if not self._has_resumed and self._is_open and not self.line.is_closed:
            self._later(wire.Resume())

    # --- What takes its time --------------------------------------------------------------

    async def _obey(self, said: wire.AnyInbound) -> None:
        match said:
            case wire.Watching():
                piece_id = self.need_show()
                is_counted = await self.desk.count_view(piece_id, self.identity.viewer)
                if self._watching is not None:
                    self._watching.is_counted = is_counted
            case wire.SayCaption():
                await say_caption(self, said)
