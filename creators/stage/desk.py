"""What a process's sockets share: the hub, kept states, who is there, their number and rates.

Whoever may not stay is closed within two seconds: at once by a control message, or, if that was
lost, by the round that asks PostgreSQL about all of them together. Their session ended: SIGNED_OUT;
banned: BANNED; the show is not for them any more: NO_SUCH_SHOW; they are somebody else in it than
they were, such as a moderator no more: SERVICE_RESTART, and they come in anew.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings

from creators.audience.services import record_views
from creators.chat import holding
from creators.chat.kept import standings
from creators.chat.standing import RoleName
from creators.pieces.access import Door
from creators.stage import metrics, publishing, rooms, snapshot
from creators.stage.gathering import Gathering
from creators.stage.hub import Hub, hub_here
from creators.stage.identity import Identities, Identity, identities_here
from creators.stage.limits import CAPTIONS, HEARTS, PER_ADDRESS, PER_USER, Buckets
from creators.stage.lines import Line
from creators.stage.shows import Shows, judgement
from creators.stage.threads import in_thread
from creators.stage.wire import Close, raw
from shops.checkout.owner import CartOwner

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.5
FIGURES_SECONDS = 1.0
# Server-side pings, where the server below has none, and how long nothing may be heard.
PING_SECONDS = 20.0
IDLE_SECONDS = 60.0
# So many are given their own rooms' states at a time.
PERSONAL_AT_ONCE: Final = 500
_MOST_COUNTED: Final = 100_000


class OpenSocket(Protocol):
    """What the desk knows of a conversation."""

    line: Line
    identity: Identity
    piece_id: int | None
    address: str
    role: RoleName
    heard_at: float

    @property
    def is_seated(self) -> bool: ...

    def may_stay(self, door: Door) -> bool: ...

    def close(self, code: Close, reason: str = "") -> None: ...


class Desk:
    def __init__(self, hub: Hub, identities: Identities) -> None:
        self.hub = hub
        self.identities = identities
        self.users = Buckets(PER_USER)
        self.addresses = Buckets(PER_ADDRESS)
        self.captions = Buckets(CAPTIONS)
        self.hearts = Buckets(HEARTS)
        self.personal = asyncio.Semaphore(PERSONAL_AT_ONCE)
        # Each with the viewer that it is counted as.
        self._sockets: dict[OpenSocket, str] = {}
        self._of_address: Counter[str] = Counter()
        self._of_viewer: Counter[str] = Counter()
        self._of_piece: Counter[int] = Counter()
        self.shows = Shows(hub)
        # By what everybody who is in a show was judged last, but for the newcomers: what was kept
        # when they came may have been older, or newer.
        self._judged: dict[int, tuple[Any, ...]] = {}
        self._newcomers: dict[OpenSocket, None] = {}
        self._own: Gathering[CartOwner, msgspec.Raw] = Gathering(read_own)
        self._views: Gathering[tuple[int, str], bool] = Gathering(count_views)
        self._counted: OrderedDict[tuple[int, str, date], None] = OrderedDict()
        self._figures_due: set[int] = set()
        self._rounds: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        hub.on_control = self.control

    # --- Who is there ---------------------------------------------------------------------

    def refusal(self, address: str) -> Close | None:
        """Tell with what to close a newcomer before anything is asked about it; None: welcome."""
        if len(self._sockets) >= settings.STAGE_MAX_SOCKETS:
            return Close.FULL
        if self._of_address[address] >= settings.STAGE_SOCKETS_PER_ADDRESS:
            return Close.TOO_MANY_SOCKETS
        return None

    def register(self, socket: OpenSocket) -> Close | None:
        """Count a conversation in; otherwise tell with what to close it."""
        refusal = self.refusal(socket.address)
        if refusal is not None:
            return refusal
        viewer = socket.identity.viewer
        if self._of_viewer[viewer] >= settings.STAGE_SOCKETS_PER_USER:
            return Close.TOO_MANY_SOCKETS
        self._sockets[socket] = viewer
        self._of_address[socket.address] += 1
        self._of_viewer[viewer] += 1
        if socket.piece_id is not None:
            self._of_piece[socket.piece_id] += 1
            self._newcomers[socket] = None
        metrics.connected(socket.line.way)
        if self._rounds is None or self._rounds.done():
            self._rounds = self.hub.spawn(self._go_round())
        if self._listening is None or self._listening.done():
            self._listening = self.hub.spawn(self._go_listening())
        return None

    def forget(self, socket: OpenSocket) -> None:
        self._newcomers.pop(socket, None)
        viewer = self._sockets.pop(socket, None)
        if viewer is None:
            return
        _count_out(self._of_address, socket.address)
        _count_out(self._of_viewer, viewer)
        if socket.piece_id is not None:
            _count_out(self._of_piece, socket.piece_id)
        metrics.disconnected(socket.line.way)

    async def control(self, message: dict[str, Any]) -> None:
        """Apply what another process (or this one) said to all."""
        kind, piece_id = message.get("kind"), message.get("piece_id")
        if kind == "signed_out":
            hashed = str(message.get("session_hash"))
            self.identities.signed_out(hashed)
            for socket in list(self._sockets):
                if socket.identity.session_hash == hashed:
                    socket.close(Close.SIGNED_OUT)
        elif kind in ("door", "standing") and isinstance(piece_id, int):
            standings.forget(piece_id)
            self.shows.forget(piece_id)
            if piece_id in self._of_piece:
                await self._judge([piece_id], is_door=kind == "door")

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            for look in (
                partial(self._judge, list(self._of_piece)),
                self._verify,
                partial(in_thread, show_held_lines),
            ):
                try:
                    await look()
                except Exception:
                    log.exception("the round of open sockets failed")

    async def _go_listening(self) -> None:
        # Not on the round: while PostgreSQL keeps that waiting nobody would be pinged, and
        # then everybody who said nothing meanwhile be taken for gone.
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                self._listen_for_life()
            except Exception:
                log.exception("open sockets were not listened to")

    def _listen_for_life(self) -> None:
        now = time.monotonic()
        for socket in list(self._sockets):
            if socket.line.needs_ping:
                silence = now - socket.heard_at
                if silence > IDLE_SECONDS:
                    socket.close(Close.IDLE)
                elif silence > PING_SECONDS:
                    socket.line.ping()

    async def _verify(self) -> None:
        """Close those whose session has ended; tell the others who they are by now."""
        known = {
            id(socket.identity): socket.identity
            for socket in self._sockets
            if socket.identity.session_key is not None
        }
        if not known:
            return
        changed = await self.identities.verify(list(known.values()))
        if not changed:
            return
        for socket in list(self._sockets):
            key = socket.identity.session_key
            if key is None or key not in changed:
                continue
            is_now = changed[key]
            if is_now is None or is_now.user_id != socket.identity.user_id:
                socket.close(Close.SIGNED_OUT)
            elif is_now.owner != socket.identity.owner or is_now.viewer != socket.identity.viewer:
                socket.close(Close.SERVICE_RESTART)
            else:
                socket.identity = is_now
                self._judge_one(socket)

    def _judge_one(self, socket: OpenSocket) -> None:
        """Look anew at one who is somebody else now, such as an operator."""
        show = self.shows.kept(socket.piece_id) if socket.piece_id is not None else None
        if show is not None and socket.is_seated:
            code = judgement(socket, show, now=datetime.now(UTC))
            if code is not None:
                socket.close(code)

    async def _judge(self, piece_ids: list[int], *, is_door: bool = False) -> None:
        """Look anew at who may be in these shows; `is_door`: how one comes in has changed."""
        if not piece_ids:
            return
        found = await self.shows.read(piece_ids)
        # As long as nothing is different, nobody has to be looked at again.
        others = {
            piece_id: show
            for piece_id, show in found.items()
            if is_door or self._judged.get(piece_id) != show.says
        }
        now = datetime.now(UTC)
        for socket in list(self._sockets if others else self._newcomers):
            show = found.get(socket.piece_id) if socket.piece_id is not None else None
            if show is None or not socket.is_seated:
                continue
            if socket in self._newcomers:
                del self._newcomers[socket]
            elif socket.piece_id not in others:
                continue
            code = judgement(socket, show, now=now)
            if code is not None:
                socket.close(code)
            elif is_door:
                # What they were told on the way in may not be so any more.
                socket.close(Close.SERVICE_RESTART)
        for piece_id, show in others.items():
            self._judged[piece_id] = show.says
        if len(self._judged) > 2 * len(self._of_piece) + 100:
            self._judged = {pk: said for pk, said in self._judged.items() if pk in self._of_piece}

    # --- One's own, and views -------------------------------------------------------------

    async def own_state(self, owner: CartOwner) -> msgspec.Raw:
        """Return what somebody's own tabs show, read together with others'."""
        found = await self._own.one(owner)
        if found is None:
            raise LookupError(owner)
        return found

    def has_counted(self, piece_id: int, viewer: str) -> bool:
        """Tell whether this process knows that a view of today is counted."""
        return (piece_id, viewer, datetime.now(UTC).date()) in self._counted

    async def count_view(self, piece_id: int, viewer: str) -> bool:
        """Count a view while the show is on air; False when it is not."""
        if not self.shows.is_on_air(piece_id):
            return False
        today = datetime.now(UTC).date()
        is_new = await self._views.one((piece_id, viewer))
        self._counted[piece_id, viewer, today] = None
        if len(self._counted) > _MOST_COUNTED:
            self._counted.popitem(last=False)
        if is_new:
            self.figures_soon(piece_id)
        return True

    def figures_soon(self, piece_id: int) -> None:
        """Tell the host the new figures, once for all that changes within a second."""
        if piece_id not in self._figures_due:
            self._figures_due.add(piece_id)
            self.hub.spawn(self._tell_figures(piece_id))

    async def _tell_figures(self, piece_id: int) -> None:
        await asyncio.sleep(FIGURES_SECONDS)
        self._figures_due.discard(piece_id)
        try:
            await in_thread(publish_figures, piece_id)
        except Exception:
            log.exception("figures of %s were not told", piece_id)


def _count_out(counter: Counter[Any], key: Any) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


# --- In PostgreSQL ------------------------------------------------------------------------------


def show_held_lines() -> None:
    """Show the chat's lines whose time has come, also those of processes that are no more."""
    holding.show_due(now=datetime.now(UTC))


def read_own(owners: list[CartOwner]) -> dict[CartOwner, msgspec.Raw]:
    return {owner: raw(state) for owner, state in snapshot.me_states(owners).items()}


def count_views(seen: list[tuple[int, str]]) -> dict[tuple[int, str], bool]:
    new = record_views(seen=seen, now=datetime.now(UTC))
    return {one: one in new for one in seen}


def publish_figures(piece_id: int) -> None:
    publishing.publish(rooms.host_room(piece_id), [snapshot.figures(piece_id)])


_desks: "WeakKeyDictionary[Hub, Desk]" = WeakKeyDictionary()


def desk_here() -> Desk:
    hub = hub_here()
    desk = _desks.get(hub)
    if desk is None:
        desk = _desks[hub] = Desk(hub, identities_here())
    return desk
