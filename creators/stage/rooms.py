"""Rooms in Valkey: their names, their keys, and the scripts that touch them.

A room has a head (`epoch`, `seq`), a log (a capped stream whose ids are the sequence numbers), a
channel, and, for shows, counts, viewers and how far behind they say that they are. All keys of a
room share the hash tag `{room}`: they live on one node of a cluster, and its channel is sharded
with them. Nothing here is truth: when a head is lost, the room gets a new epoch, and clients a
fresh snapshot from PostgreSQL.
"""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from creators.stage.wire import RoomKind

KEEP_SECONDS: Final = 24 * 3600
# What is added to deadlines while no lag is known, at most, and in which steps; see grace.py.
GRACE_MS: Final = 2_000
LONGEST_GRACE_MS: Final = 5_000
GRACE_STEP_MS: Final = 500
# How finely lags are told apart, and how many buckets that makes: the last is for all above.
LAG_BUCKET_MS: Final = 250
LAG_BUCKETS: Final = 64


def live_room(piece_id: int) -> str:
    return f"live:{piece_id}"


def host_room(piece_id: int) -> str:
    return f"host:{piece_id}"


def mods_room(piece_id: int) -> str:
    return f"mods:{piece_id}"


def of_show(piece_id: int, *, role: str) -> list[str]:
    """Name the rooms of a show that somebody is in, the show's own first."""
    names = [live_room(piece_id)]
    if role == "host":
        names.append(host_room(piece_id))
    if role in ("host", "moderator"):
        names.append(mods_room(piece_id))
    return names


def own_room(user_id: int) -> str:
    """As `CartOwner.room` of a signed-in user."""
    return f"me:{user_id}"


def kind_of(room: str) -> RoomKind:
    """Tell what a client calls this room."""
    prefix = room.partition(":")[0]
    if prefix == "live":
        return "live"
    if prefix == "host":
        return "host"
    return "mods" if prefix == "mods" else "me"


@dataclass(frozen=True)
class Keys:
    head: str
    log: str
    channel: str
    counts: str
    viewers: str
    lags: str


def keys_of(room: str, *, database: int) -> Keys:
    """Name a room's keys; channels know no databases, so theirs has the number in its name."""
    tag = f"{{{room}}}"
    return Keys(
        head=f"{tag}:head",
        log=f"{tag}:log",
        channel=f"{tag}:events:{database}",
        counts=f"{tag}:counts",
        viewers=f"{tag}:viewers",
        lags=f"{tag}:lags",
    )


def control_channel(*, database: int) -> str:
    return f"{{stage}}:control:{database}"


def new_epoch() -> str:
    return uuid4().hex[:16]


# `append` gives each event its number, keeps it and sends all of them as one message:
# "epoch|first number|time in ms", then a line per event. The clock is Valkey's: one for a room.
#
# A server that was started from a file, or a replica that took over, may have an older head, whose
# numbers would be given a second time. So a head names the server's run ("" when we may not ask),
# and whoever reads a room, as everybody does after a lost connection, gives it a new epoch when
# that is another run.
_COMMON = """
local function run()
  local told = redis.pcall('INFO', 'server')
  return type(told) == 'string' and string.match(told, 'run_id:(%x+)') or ''
end
local function begin(head, log, epoch)
  redis.call('DEL', log)
  redis.call('HSET', head, 'epoch', epoch, 'seq', 0, 'run', run())
  return epoch
end
local function open(head, log, epoch)
  return redis.call('HGET', head, 'epoch') or begin(head, log, epoch)
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
# ->  [epoch, seq, viewers, hearts, grace, lag, [[id, [a, at, e, event]], ... newest first]]
# `grace` is 0 and `lag` -1 when nothing is known of them.
READ: Final = (
    _COMMON
    + """
local epoch = open(KEYS[1], KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[1], 'run') ~= run() then epoch = begin(KEYS[1], KEYS[2], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
local counts = redis.call('HMGET', KEYS[3], 'viewers', 'hearts', 'grace', 'lag')
local entries = {}
if tonumber(ARGV[4]) > 0 then
  entries = redis.call('XREVRANGE', KEYS[2], '+', (ARGV[3] + 1) .. '-0', 'COUNT', ARGV[4])
end
return {epoch, seq, tonumber(counts[1] or 0), tonumber(counts[2] or 0),
        tonumber(counts[3] or 0), tonumber(counts[4] or -1), entries}
"""
)

# A new epoch without loss of the head: an event could not be published, so nobody may resume.
# KEYS head, log, channel; ARGV new epoch, keep
RENEW: Final = (
    _COMMON
    + """
begin(KEYS[1], KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SPUBLISH', KEYS[3], ARGV[1] .. '|1|0\\n')
return ARGV[1]
"""
)

# Viewers are kept with the time until which they count: those present for `stay` seconds, those who
# left for `linger` at most, so that somebody who is also here by another process is not lost.
#
# How far behind viewers say that they are is kept as a histogram of the last minute, in slots of
# 15 s ("slot:bucket" -> how often); the middle and the 95th percentile are read off it, as the
# upper edge of their bucket. The grace is the latter, in steps, between a default and a limit.
# KEYS head, log, channel, counts, viewers, lags
# ARGV new epoch, history, keep, hearts, stay, linger, bucket in ms, default grace, longest grace,
#   step of the grace, how many present, present..., how many lags, (bucket, how often)..., left...
COUNT: Final = (
    _COMMON
    + """
local now = milliseconds()
local slot = math.floor(now / 15000)
local next = 12
local function each(width, work)
  local many = tonumber(ARGV[next - 1])
  for i = 0, many - 1 do work(next + i * width) end
  next = next + many * width + 1
end
each(1, function(i)
  redis.call('ZADD', KEYS[5], string.format('%.0f', now + ARGV[5] * 1000), ARGV[i])
end)
each(2, function(i)
  redis.call('HINCRBY', KEYS[6], slot .. ':' .. ARGV[i], ARGV[i + 1])
end)
for i = next - 1, #ARGV do
  redis.call('ZADD', KEYS[5], 'XX', 'LT', string.format('%.0f', now + ARGV[6] * 1000), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.0f', now))
local viewers = redis.call('ZCARD', KEYS[5])
local hearts = redis.call('HINCRBY', KEYS[4], 'total', ARGV[4])
local all, times, last = 0, {}, -1
local told = redis.call('HGETALL', KEYS[6])
for i = 1, #told, 2 do
  local when, bucket = string.match(told[i], '(%d+):(%d+)')
  if tonumber(when) <= slot - 4 then
    redis.call('HDEL', KEYS[6], told[i])
  else
    bucket = tonumber(bucket)
    times[bucket] = (times[bucket] or 0) + told[i + 1]
    all = all + told[i + 1]
    last = math.max(last, bucket)
  end
end
local function percentile(part)
  local sum = 0
  for bucket = 0, last do
    sum = sum + (times[bucket] or 0)
    if sum >= all * part then return (bucket + 1) * ARGV[7] end
  end
end
local lag, grace = -1, tonumber(ARGV[8])
if all > 0 then
  lag = percentile(0.5)
  grace = math.min(ARGV[9], math.ceil(percentile(0.95) / ARGV[10]) * ARGV[10])
end
local shown = redis.call('HMGET', KEYS[4], 'viewers', 'hearts', 'grace', 'lag')
redis.call('EXPIRE', KEYS[6], 60)
redis.call('EXPIRE', KEYS[4], ARGV[3])
redis.call('EXPIRE', KEYS[5], ARGV[3])
if tonumber(shown[1] or 0) == viewers and tonumber(shown[2] or 0) == hearts
   and tonumber(shown[3] or ARGV[8]) == grace and tonumber(shown[4] or -1) == lag then return 0 end
redis.call('HSET', KEYS[4], 'viewers', viewers, 'hearts', hearts, 'grace', grace, 'lag', lag)
local epoch = open(KEYS[1], KEYS[2], ARGV[1])
append(KEYS[1], KEYS[2], KEYS[3], epoch, ARGV[2], ARGV[3],
       {'{"t":"counts","viewers":' .. viewers .. ',"hearts":' .. hearts .. ',"grace_ms":' .. grace
        .. ',"lag_ms":' .. (lag < 0 and 'null' or lag) .. '}'})
return 1
"""
)
