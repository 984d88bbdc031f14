"""The same states over plain HTTP, for pages whose sockets are blocked."""

import time
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from creators.chat.writers import check_ban
from creators.pieces import access
from creators.stage import mods_state, publishing, rooms, snapshot, wire
from shops.checkout.owner import owner_of
from shops.facts.refused import NotFound


@require_safe
@never_cache
def polled(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Answer with the snapshots that a socket of this page would get."""
    now = datetime.now(UTC)
    host_id = snapshot.host_of(piece_id)
    if host_id is None:
        raise NotFound
    access.check(request, piece_id)
    check_ban(piece_id=piece_id, user=request.user, now=now)
    you = snapshot.you(user=request.user, host_id=host_id, piece_id=piece_id, now=now)
    epoch, seq, live = snapshot.polled_live_state(piece_id)
    snapshots = [_snapshot("live", epoch, seq, live, you)]
    if you.role == "host":
        epoch, seq = _position(rooms.host_room(piece_id))
        snapshots.append(_snapshot("host", epoch, seq, snapshot.host_state(piece_id), you))
    if you.role in ("host", "moderator"):
        epoch, seq = _position(rooms.mods_room(piece_id))
        mods = mods_state.mods_state(piece_id, now=now)
        snapshots.append(_snapshot("mods", epoch, seq, mods, you))
    owner = owner_of(request)
    if owner.room:
        epoch, seq = _position(owner.room)
        snapshots.append(_snapshot("me", epoch, seq, snapshot.me_state(owner), you))
    body = b'{"snapshots":[' + b",".join(wire.encode(one) for one in snapshots) + b"]}"
    return HttpResponse(body, content_type="application/json")


def _position(room: str) -> tuple[str, int]:
    reading = publishing.read(room)
    return ("", 0) if reading is None else (reading.epoch, reading.seq)


def _snapshot(
    kind: wire.RoomKind,
    epoch: str,
    seq: int,
    state: wire.LiveState | wire.HostState | wire.ModsState | wire.MeState,
    you: wire.You,
) -> wire.Snapshot:
    return wire.Snapshot(
        room=kind, epoch=epoch, seq=seq, at=time.time_ns() // 1_000_000, state=state, you=you
    )
