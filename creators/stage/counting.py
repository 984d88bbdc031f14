"""Hearts, viewers and lags: added up in the process, counted in Valkey, shown now and then."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from itertools import chain

from django.conf import settings

from creators.stage import rooms
from creators.stage.link import FAILURES, Link
from creators.stage.room import Room

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


async def count_now_and_then(open_rooms: Mapping[str, Room], link: Link) -> None:
    """Keep the counts of all shows in this process up to date until cancelled."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(COUNT_SECONDS)
        now = time.monotonic()
        for room in list(open_rooms.values()):
            if room.kind == "live":
                weigh(room, seconds=now - began)
                if link.is_up and is_due(room):
                    await count(room, link)
        began = now


def weigh(room: Room, *, seconds: float) -> None:
    """Note whether more happens in a room, or to more, than counts should add to."""
    came, room.came = room.came, 0
    room.is_busy = came > BUSY_EVENTS * seconds or len(room.following) > BUSY_VIEWERS


def is_due(room: Room) -> bool:
    age = time.monotonic() - room.counted_at
    if room.is_busy and age < BUSY_COUNT_SECONDS:
        return False
    return bool(room.hearts or room.has_changed or (room.present and age > ROUND_SECONDS))


async def count(room: Room, link: Link) -> None:
    """Give Valkey this process's part; its script publishes the new counts when they changed."""
    hearts, room.hearts = room.hearts, 0
    left, room.left = room.left or set(), None
    lags, room.lags = room.lags or Counter(), None
    room.has_changed = False
    present = {seat.viewer for seat in room.present if seat.viewer}
    keys = rooms.keys_of(room.name, database=link.database)
    try:
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
                *(left - present),
            ],
        )
        room.counted_at = time.monotonic()
    except FAILURES:
        room.hearts += hearts
        room.left = left | (room.left or set())
        room.lags = lags + (room.lags or Counter())
        room.has_changed = True
