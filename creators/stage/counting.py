"""Hearts, viewers and lags: added up in the process, counted in Valkey, shown now and then."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from django.conf import settings

from creators.stage import rooms
from creators.stage.link import Link
from creators.stage.room import Room
from creators.stage.valkey import FAILURES

log = logging.getLogger(__name__)

COUNT_SECONDS = 0.5
# Where much happens, or to many, counts are the first to be told less often.
BUSY_COUNT_SECONDS = 2.0
BUSY_EVENTS = 200
BUSY_VIEWERS = 3000
# A present viewer counts for so long unless it is renewed, which happens every ROUND_SECONDS.
STAY_SECONDS = 30
ROUND_SECONDS = 10
# One who left counts until another process that has them, too, must have renewed them.
LEFT_SECONDS = 11
# So many viewers are named by one call.
TOLD_AT_ONCE = 1000


async def count_now_and_then(open_rooms: Mapping[str, Room], link: Link) -> None:
    """Keep the counts of all shows in this process up to date until cancelled."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(COUNT_SECONDS)
        now = time.monotonic()
        for room in list(open_rooms.values()):
            if room.kind == "live":
                weigh(room, seconds=now - began)
                if link.reaches(room.name) and is_due(room):
                    try:
                        await count(room, link)
                    except Exception:
                        # What went wrong in one room shall not end all the others' counts.
                        log.exception("room %s was not counted", room.name)
        began = now


def weigh(room: Room, *, seconds: float) -> None:
    """Note whether more happens in a room, or to more, than counts should add to."""
    came, room.came = room.came, 0
    room.is_busy = came > BUSY_EVENTS * seconds or room.followers > BUSY_VIEWERS


def is_due(room: Room) -> bool:
    age = time.monotonic() - room.counted_at
    if room.is_busy and age < BUSY_COUNT_SECONDS:
        return False
    return bool(room.hearts or room.has_changed or (room.present and age > ROUND_SECONDS))


async def count(room: Room, link: Link) -> None:
    """Give Valkey this process's part; its script publishes the new counts when they changed.

    It is told who came and who left since the last time, and now and then, all who are here.
    """
    is_round = time.monotonic() - room.renewed_at > ROUND_SECONDS
    hearts, room.hearts = room.hearts, 0
    came, room.newcomers = room.newcomers or set(), None
    left, room.left = room.left or set(), None
    lags, room.lags = room.lags or Counter(), None
    room.has_changed = False
    if is_round or left:
        present = {seat.viewer for seat in room.present if seat.viewer}
        # Who left by one socket may be here by another.
        gone = left - present
        told = sorted(present if is_round else came & present)
    else:
        gone, told = set(), sorted(came)
    try:
        # Many at a time would keep Valkey from everybody else.
        for start in range(TOLD_AT_ONCE, len(told), TOLD_AT_ONCE):
            await _tell(room, link, present=told[start : start + TOLD_AT_ONCE])
        await _tell(
            room, link, present=told[:TOLD_AT_ONCE], gone=sorted(gone), hearts=hearts, lags=lags
        )
        room.counted_at = time.monotonic()
        if is_round:
            room.renewed_at = room.counted_at
    except FAILURES:
        room.hearts += hearts
        room.newcomers = came | (room.newcomers or set())
        room.left = left | (room.left or set())
        room.lags = lags + (room.lags or Counter())
        room.has_changed = True


async def _tell(
    room: Room,
    link: Link,
    *,
    present: Sequence[str],
    gone: Sequence[str] = (),
    hearts: int = 0,
    lags: Mapping[int, int] | None = None,
) -> None:
    keys = rooms.keys_of(room.name, database=link.database)
    lags = lags or {}
    await link.script(
        rooms.COUNT,
        [keys.head, keys.log, keys.channel, keys.counts, keys.viewers, keys.lags],
        [
            rooms.new_epoch(),
            settings.STAGE_HISTORY,
            rooms.KEEP_SECONDS,
            hearts,
            STAY_SECONDS,
            LEFT_SECONDS,
            rooms.LAG_BUCKET_MS,
            rooms.GRACE_MS,
            rooms.LONGEST_GRACE_MS,
            rooms.GRACE_STEP_MS,
            len(present),
            *present,
            len(lags),
            *chain.from_iterable(lags.items()),
            *gone,
        ],
    )
