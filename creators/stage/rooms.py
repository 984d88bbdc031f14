"""Rooms in Valkey: their names, their keys, and the scripts that touch them.

A room has a head (`epoch`, `seq`), a log (a capped stream whose ids are the sequence numbers), a
channel, and, for shows, counts and viewers. All keys of a room share the hash tag `{room}`: they
live on one node of a cluster, and its channel is sharded with them. Nothing here is truth: when a
head is lost, the room gets a new epoch, and clients a fresh snapshot from PostgreSQL.
"""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from creators.stage.wire import RoomKind

KEEP_SECONDS: Final = 24 * 3600


def live_room(piece_id: int) -> str:
    return f"live:{piece_id}"


def host_room(piece_id: int) -> str:
    return f"host:{piece_id}"


def own_room(user_id: int) -> str:
    """As `CartOwner.room` of a signed-in user."""
    return f"me:{user_id}"


def kind_of(room: str) -> RoomKind:
    """Tell what a client calls this room."""
    prefix = room.partition(":")[0]
    if prefix == "live":
        return "live"
    return "host" if prefix == "host" else "me"


@dataclass(frozen=True)
class Keys:
    head: str
    log: str
    channel: str
    counts: str
    viewers: str


def keys_of(room: str, *, database: int) -> Keys:
    """Name a room's keys; channels know no databases, so theirs has the number in its name."""
    tag = f"{{{room}}}"
    return Keys(
        head=f"{tag}:head",
        log=f"{tag}:log",
        channel=f"{tag}:events:{database}",
        counts=f"{tag}:counts",
        viewers=f"{tag}:viewers",
    )


def control_channel(*, database: int) -> str:
    return f"{{stage}}:control:{database}"


def new_epoch() -> str:
    return uuid4().hex[:16]


# `append` gives each event its number, keeps it and sends all of them as one message:
# "epoch|first number|time in ms", then a line per event. The clock is Valkey's: one for a room.
_COMMON = """
local function open(head, log, epoch)
  local known = redis.call('HGET', head, 'epoch')
  if known then return known end
  redis.call('DEL', log)
  redis.call('HSET', head, 'epoch', epoch, 'seq', 0)
  return epoch
end
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function append(head, log, channel, epoch, history, keep, events)
  local at = string.format('%.0f', milliseconds())
  local first, seq
  for _, event in ipairs(events) do
    seq = redis.call('HINCRBY', head, 'seq', 1)
    first = first or seq
    redis.call('XADD', log, 'MAXLEN', '~', history, seq .. '-0', 'a', at, 'e', event)
  end
  redis.call('EXPIRE', head, keep)
  redis.call('EXPIRE', log, keep)
  redis.call('SPUBLISH', channel,
             epoch .. '|' .. first .. '|' .. at .. '\\n' .. table.concat(events, '\\n'))
  return seq
end
"""

# KEYS head, log, channel; ARGV new epoch, history, keep, event...  ->  [epoch, seq]
PUBLISH: Final = (
    _COMMON
    + """
local epoch = open(KEYS[1], KEYS[2], ARGV[1])
local events = {}
for i = 4, #ARGV do events[#events + 1] = ARGV[i] end
return {epoch, append(KEYS[1], KEYS[2], KEYS[3], epoch, ARGV[2], ARGV[3], events)}
"""
)

# KEYS head, log, counts; ARGV new epoch, keep, after, at most
# ->  [epoch, seq, viewers, hearts, [[id, [a, at, e, event]], ... newest first]]
READ: Final = (
    _COMMON
    + """
local epoch = open(KEYS[1], KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
local counts = redis.call('HMGET', KEYS[3], 'viewers', 'hearts')
local entries = {}
if tonumber(ARGV[4]) > 0 then
  entries = redis.call('XREVRANGE', KEYS[2], '+', (ARGV[3] + 1) .. '-0', 'COUNT', ARGV[4])
end
return {epoch, seq, tonumber(counts[1] or 0), tonumber(counts[2] or 0), entries}
"""
)

# A new epoch without loss of the head: an event could not be published, so nobody may resume.
# KEYS head, log, channel; ARGV new epoch, keep
RENEW: Final = """
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', 0)
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SPUBLISH', KEYS[3], ARGV[1] .. '|1|0\\n')
return ARGV[1]
"""

# Viewers are kept with the time until which they count: those present for `stay` seconds, those who
# left for `linger` at most, so that somebody who is also here by another process is not lost.
# KEYS head, log, channel, counts, viewers
# ARGV new epoch, history, keep, hearts, stay, linger, how many present, present..., left...
COUNT: Final = (
    _COMMON
    + """
local now = milliseconds()
local present = tonumber(ARGV[7])
for i = 8, 7 + present do
  redis.call('ZADD', KEYS[5], string.format('%.0f', now + ARGV[5] * 1000), ARGV[i])
end
for i = 8 + present, #ARGV do
  redis.call('ZADD', KEYS[5], 'XX', 'LT', string.format('%.0f', now + ARGV[6] * 1000), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.0f', now))
local viewers = redis.call('ZCARD', KEYS[5])
local hearts = redis.call('HINCRBY', KEYS[4], 'total', ARGV[4])
local shown = redis.call('HMGET', KEYS[4], 'viewers', 'hearts')
redis.call('EXPIRE', KEYS[4], ARGV[3])
redis.call('EXPIRE', KEYS[5], ARGV[3])
if tonumber(shown[1] or 0) == viewers and tonumber(shown[2] or 0) == hearts then return 0 end
redis.call('HSET', KEYS[4], 'viewers', viewers, 'hearts', hearts)
local epoch = open(KEYS[1], KEYS[2], ARGV[1])
append(KEYS[1], KEYS[2], KEYS[3], epoch, ARGV[2], ARGV[3],
       {'{"t":"counts","viewers":' .. viewers .. ',"hearts":' .. hearts .. '}'})
return 1
"""
)
