"""The hub on a real Valkey: order, resume, windows, slow readers, lost history, two processes."""

import asyncio
from itertools import pairwise

import pytest
from django.db import OperationalError

from creators.chat.events import ModeratorActed
from creators.stage import hub as hub_module
from creators.stage import link, publishing, wire
from creators.stage.frames import Frame
from creators.stage.hub import Hub
from creators.stage.lines import AsgiLine
from creators.stage.room import Seat
from creators.stage.rooms import live_room, mods_room
from creators.stage.wire import Close, Position
from tests.creators.stage.conftest import Viewer, publish, until

LIVE = "live:1"


def event(number):
    return wire.ShowCancelled(rev=number)


class Failing:
    """A line with a defect."""

    is_blocked = is_closed = False

    def __init__(self, fail):
        self.write = self.close = fail

    def gone(self):
        self.is_closed = True


def revs(viewer):
    return [one["rev"] for one in viewer.events]


async def test_events_arrive_once_and_in_order(hub):
    viewer = Viewer(hub)
    await viewer.join()

    for start in range(0, 100, 10):
        await publish(LIVE, *[event(n) for n in range(start, start + 10)])
    await until(lambda: len(viewer.events) == 100)

    assert revs(viewer) == list(range(100))
    seqs = [one["seq"] for one in viewer.events]
    assert seqs == sorted(set(seqs))


async def test_a_frame_tells_from_where_to_where_it_goes(hub):
    viewer = Viewer(hub)
    await viewer.join()
    for n in range(30):
        await publish(LIVE, event(n))
    await until(lambda: len(viewer.events) == 30)

    frames = [text for text in viewer.texts if "events" in text]
    assert all(b["from"] == a["seq"] + 1 for a, b in pairwise(frames))
    assert all(f["room"] == "live" and f["epoch"] == frames[0]["epoch"] for f in frames)


async def test_the_first_event_leaves_at_once_and_the_next_ones_share_a_frame():
    hub = Hub(window_ms=400)
    viewer = Viewer(hub)
    await viewer.join()
    loop = asyncio.get_running_loop()

    began = loop.time()
    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1)
    first = loop.time() - began
    for n in range(1, 20):
        await publish(LIVE, event(n))
    await until(lambda: len(viewer.events) == 20)

    assert first < 0.25
    # One frame for nineteen events (two, if the viewer count's own event made a window).
    assert len([text for text in viewer.texts if "events" in text]) <= 3
    await hub.close()


async def test_all_readers_are_given_the_same_text_object(hub):
    texts = []

    async def keep(message):
        texts.append(message["text"])

    viewers = [Viewer(hub, name=f"u:{n}") for n in range(5)]
    for viewer in viewers:
        viewer.line._send = keep
        await viewer.join()
    await publish(LIVE, event(1))
    await until(lambda: len(texts) >= 5)

    assert len({id(text) for text in texts[:5]}) == 1


async def test_who_was_away_gets_exactly_what_was_missed(hub):
    viewer, witness = Viewer(hub), Viewer(hub, name="u:2")
    await viewer.join()
    await witness.join()
    await publish(LIVE, *[event(n) for n in range(5)])
    await until(lambda: len(viewer.events) == 5)
    position = viewer.position

    hub.leave(viewer.seat)
    await publish(LIVE, *[event(n) for n in range(5, 12)])
    await until(lambda: len(witness.events) == 12)
    back = Viewer(hub)
    assert await back.join(position)
    await publish(LIVE, event(12))
    await until(lambda: len(back.events) >= 8)

    assert revs(back) == list(range(5, 13))


async def test_another_process_resumes_from_the_log(hub, other_hub):
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, *[event(n) for n in range(3)])
    await until(lambda: len(viewer.events) == 3)
    position = viewer.position
    await publish(LIVE, *[event(n) for n in range(3, 9)])

    back = Viewer(other_hub)
    assert await back.join(position)
    await until(lambda: len(back.events) == 6)

    assert revs(back) == list(range(3, 9))


async def test_two_processes_show_the_same(hub, other_hub):
    one, other = Viewer(hub), Viewer(other_hub, name="u:2")
    await one.join()
    await other.join()

    await asyncio.gather(*[publish(LIVE, event(n)) for n in range(40)])
    await until(lambda: len(one.events) == len(other.events) == 40)

    assert one.events == other.events


async def test_a_position_of_another_history_is_not_resumed(hub):
    viewer = Viewer(hub)

    assert not await viewer.join(Position(epoch="another", seq=3))


async def test_a_position_that_is_too_old_is_not_resumed(hub, settings):
    settings.STAGE_HISTORY = 10
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1)
    position = viewer.position
    hub.leave(viewer.seat)
    await asyncio.sleep(0)
    witness = Viewer(hub, name="u:2")
    await witness.join()
    await publish(LIVE, *[event(n) for n in range(1, 40)])
    await until(lambda: len(witness.events) == 39)

    assert not await Viewer(hub).join(position)


async def test_a_lost_history_gets_a_new_epoch_and_everybody_asks_for_a_snapshot(hub, valkey):
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1)
    before = viewer.position

    valkey.flushdb()
    await publish(LIVE, event(1))
    await until(lambda: viewer.told("resync"))

    assert revs(viewer) == [0], "events of the new history mean nothing to the old state"
    assert not await viewer.join(before)
    assert await viewer.join()
    await publish(LIVE, event(2))
    await until(lambda: 2 in revs(viewer))


async def test_a_history_that_went_back_is_another_one(hub, other_hub, valkey):
    """Valkey was started anew from a file that had not all of it, and numbers come twice."""
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, *[event(n) for n in range(5)])
    await until(lambda: len(viewer.events) == 5)
    position = viewer.position
    head, log = (f"{{{LIVE}}}:{part}" for part in ("head", "log"))

    valkey.hset(head, mapping={"seq": position.seq - 3, "run": "0" * 40})
    valkey.delete(log)
    for client in valkey.client_list(_type="pubsub"):
        valkey.client_kill_filter(_id=client["id"])
    await publish(LIVE, *[event(n) for n in range(10, 18)])

    await until(lambda: viewer.told("resync"))
    assert len(viewer.events) == 5
    assert not await Viewer(other_hub).join(position)


async def test_a_lost_message_of_the_subscription_is_filled_from_the_log(hub, monkeypatch):
    viewer = Viewer(hub)
    await viewer.join()
    take = hub._take
    monkeypatch.setattr(hub.link, "on_message", lambda channel, data: None)
    await publish(LIVE, event(0))
    await asyncio.sleep(0.2)
    assert viewer.events == []

    monkeypatch.setattr(hub.link, "on_message", take)
    await publish(LIVE, event(1))
    await until(lambda: len(viewer.events) == 2)

    assert revs(viewer) == [0, 1]


async def test_the_last_lost_message_is_found_by_the_rounds(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "VERIFY_SECONDS", 0.2)
    viewer = Viewer(hub)
    await viewer.join()
    monkeypatch.setattr(hub.link, "on_message", lambda channel, data: None)

    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1, seconds=8)


async def test_the_subscription_ends_with_the_last_who_leaves(hub, monkeypatch, valkey):
    monkeypatch.setattr(hub_module, "LINGER_SECONDS", 0.05)
    viewer, other = Viewer(hub), Viewer(hub, name="u:2")
    await viewer.join()
    await other.join()
    channel = hub.link.channel_of(LIVE)
    assert valkey.execute_command("PUBSUB", "SHARDNUMSUB", channel)[1] == 1

    hub.leave(viewer.seat)
    await asyncio.sleep(0.2)
    assert LIVE in hub.rooms
    hub.leave(other.seat)
    await until(lambda: valkey.execute_command("PUBSUB", "SHARDNUMSUB", channel)[1] == 0, seconds=3)

    assert LIVE not in hub.rooms


# --- Slow readers -----------------------------------------------------------------------------


async def test_one_who_does_not_read_delays_nobody_and_is_caught_up(hub):
    slow, quick = Viewer(hub), Viewer(hub, name="u:2")
    await slow.join()
    await quick.join()
    slow.may_read.clear()

    for n in range(20):
        await publish(LIVE, event(n))
        await asyncio.sleep(0.02)
    await until(lambda: len(quick.events) == 20)
    assert slow.events == []
    assert slow.seat.is_lagging

    slow.may_read.set()
    await until(lambda: len(slow.events) == 20)
    assert revs(slow) == list(range(20))
    # What was in flight, and one frame with the rest: nothing was queued for it.
    assert len([text for text in slow.texts if "events" in text]) <= 3


async def test_one_who_lags_behind_the_ring_is_told_to_ask_again(hub, settings):
    settings.STAGE_HISTORY = 5
    slow, quick = Viewer(hub), Viewer(hub, name="u:2")
    await slow.join()
    await quick.join()
    slow.may_read.clear()
    for n in range(30):
        await publish(LIVE, event(n))
        await asyncio.sleep(0.01)
    await until(lambda: len(quick.events) == 30)

    slow.may_read.set()
    await until(lambda: slow.told("resync"))
    assert await slow.join()


async def test_one_who_lags_too_long_is_closed(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "SLOW_SECONDS", 0.3)
    slow = Viewer(hub)
    await slow.join()
    slow.may_read.clear()
    await publish(LIVE, event(0))

    await until(lambda: slow.closed is not None)

    assert slow.closed == Close.SLOW
    assert slow.seat.room is None


async def test_a_broken_socket_harms_nobody(hub):
    async def broken(message):
        raise ConnectionResetError

    bad, good = Viewer(hub), Viewer(hub, name="u:2")
    bad.line._send = broken
    await bad.join()
    await good.join()
    await publish(LIVE, event(0))
    await until(lambda: len(good.events) == 1)
    await until(lambda: bad.seat.room is None)


async def test_a_hub_closes_though_a_cancellation_was_forgotten():
    """As asyncio.wait_for of Python 3.11 does now and then."""
    hub = Hub()
    forgotten = []

    async def forgetful():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if forgotten:
                    raise
                forgotten.append(True)

    hub.spawn(forgetful())
    await asyncio.sleep(0)
    await asyncio.wait_for(hub.close(), 10)
    assert forgotten


# --- Valkey away ------------------------------------------------------------------------------


async def test_when_valkey_goes_everybody_is_told_and_nothing_is_missed(hub, valkey, monkeypatch):
    monkeypatch.setattr(link, "BACK_OFF_SECONDS", (0.3, 0.5))
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1)

    for client in valkey.client_list(_type="pubsub"):
        valkey.client_kill_filter(_id=client["id"])
    await until(lambda: viewer.told("notice"))
    assert viewer.told("notice")[0]["kind"] == "degraded"
    await publish(LIVE, event(1), event(2))

    await until(lambda: len(viewer.events) == 3)
    assert [notice["kind"] for notice in viewer.told("notice")] == ["degraded", "live"]
    assert not viewer.told("resync")


@pytest.mark.parametrize("follows", [True, False], ids=["follows", "has-a-state"])
async def test_who_could_not_be_told_is_told_when_it_reads(hub, follows):
    """It does not read while Valkey goes, nor while it comes back."""
    viewer = Viewer(hub)
    await viewer.join()
    if not follows:
        # As one who came while Valkey was away: it has a state without a position.
        viewer.seat.room.unfollow(viewer.seat)
    viewer.may_read.clear()
    viewer.line.write(Frame(b'{"t": "something"}'))

    room = viewer.seat.room
    hub._down()
    await publish(LIVE, event(1))
    await hub._refresh(room)
    assert room.is_open
    viewer.texts.clear()
    viewer.may_read.set()

    if follows:
        await until(lambda: viewer.events)
        assert not viewer.told("resync")
    else:
        await until(lambda: viewer.told("resync"))


async def test_who_is_told_half_of_it_is_told_the_rest(hub):
    """The word that events arrive again fills the way, so that the next one does not fit."""
    viewer = Viewer(hub)
    await viewer.join()
    viewer.seat.room.unfollow(viewer.seat)
    hub._down()
    viewer.may_read.clear()

    await hub._refresh(viewer.seat.room)
    assert viewer.line.is_blocked
    viewer.may_read.set()

    await until(lambda: viewer.told("resync"))
    assert [notice["kind"] for notice in viewer.told("notice")] == ["degraded", "live"]
    assert len(viewer.told("resync")) == 1


async def test_a_room_that_cannot_be_read_is_alone_with_it(hub, valkey):
    valkey.set("{live:9}:head", "not ours")
    other, viewer = Seat(Viewer(hub).line, "live:9"), Viewer(hub)
    rooms = [hub.sit(other), hub.sit(viewer.seat)]

    await asyncio.gather(*map(hub._refresh, rooms))

    assert [room.is_open for room in rooms] == [False, True]


async def test_a_line_that_fails_takes_nobody_with_it(hub, monkeypatch):
    failing, viewer = Viewer(hub), Viewer(hub, name="u:2")
    await failing.join()
    await viewer.join()

    def fail(*_):
        raise RuntimeError("a defect of ours")

    failing.line = failing.seat.line = Failing(fail)
    monkeypatch.setattr(hub_module, "SLOW_SECONDS", 0.04)
    await publish(LIVE, event(1))
    await until(lambda: len(viewer.events) == 1)
    await publish(LIVE, event(2))
    await until(lambda: len(viewer.events) == 2)
    await until(lambda: failing.seat.room is None)


async def test_valkey_comes_and_goes_for_all_but_a_line_that_fails(hub):
    failing, viewer = Viewer(hub), Viewer(hub, name="u:2")
    await failing.join()
    await viewer.join()

    def fail(*_):
        raise RuntimeError("a defect of ours")

    failing.seat.line = Failing(fail)
    hub._down()
    assert failing.seat.line.is_closed
    failing.seat.line, failing.seat.was_told_degraded = Failing(fail), True
    await hub._refresh(viewer.seat.room)

    assert failing.seat.line.is_closed
    assert [notice["kind"] for notice in viewer.told("notice")] == ["degraded", "live"]


async def test_a_line_that_cannot_even_be_closed_does_not_end_the_rounds(hub):
    failing = Viewer(hub)
    await failing.join()

    def fail(*_):
        raise RuntimeError("a defect of ours")

    failing.seat.line = Failing(fail)
    failing.seat.line.is_blocked, failing.seat.line.blocked_since = True, float("-inf")

    hub._look_at(failing.seat, 0.0)

    assert failing.seat.room is None


def test_publishing_without_valkey_returns_soon_and_says_no(settings, monkeypatch):
    class Away:
        def register_script(self, text):
            raise publishing.redis.ConnectionError("away")

    class Rooms(publishing._Missed):
        pass

    monkeypatch.setattr(publishing, "_client", lambda: Away())
    monkeypatch.setattr(publishing, "database", lambda: 0)
    missed = Rooms()
    monkeypatch.setattr(publishing, "missed", missed)

    assert publishing.publish("live:9", [event(1)]) is False
    assert publishing.publish("live:9", [event(2)]) is False
    monkeypatch.undo()
    assert missed.wait(5), "the room is repaired as soon as Valkey is back"


@pytest.mark.parametrize(
    ("error", "renewed"),
    [(OperationalError("away"), ["live:7", "mods:7"]), (ValueError("a defect of ours"), [])],
    ids=["away", "defect"],
)
def test_what_cannot_be_told_without_postgresql_ends_in_a_new_epoch(monkeypatch, error, renewed):
    rooms, missed = [], publishing._Missed()
    monkeypatch.setattr(publishing, "missed", missed)
    monkeypatch.setattr(publishing, "renew", rooms.append)
    monkeypatch.setattr(publishing.time, "sleep", lambda _: None)

    @publishing.or_renew(live_room, mods_room)
    def tell(fact):
        raise error

    for piece_id in (7, None):
        with pytest.raises(type(error)):
            tell(ModeratorActed(action_id=1, creator_id=1, piece_id=piece_id))

    assert missed.wait(5)
    assert sorted(rooms) == renewed
    assert not missed.is_paused()


def test_all_rooms_that_missed_something_are_repaired_at_once_shows_first(monkeypatch):
    renewed, slept, missed = [], [], publishing._Missed()

    def renew(room):
        if len(slept) < 2:
            raise publishing.redis.ConnectionError("away")
        if room == "me:7" and len(slept) < 3:
            raise publishing.redis.ResponseError("not that one")
        if room == "live:1" and room not in renewed:
            # It misses another one just then.
            missed.add(room)
        renewed.append(room)

    monkeypatch.setattr(publishing, "renew", renew)
    monkeypatch.setattr(publishing.time, "sleep", slept.append)
    names = [f"me:{n}" for n in range(50)] + ["live:1"]
    missed._rooms.update(names[1:])
    missed.add(names[0])

    assert missed.wait(5)

    assert renewed[0] == "live:1"
    assert set(renewed) == set(names)
    assert renewed[-2:] == ["live:1", "me:7"]
    # Away; all but one; the last ones; nothing left.
    assert len(slept) == 4


async def test_an_event_that_could_not_be_published_ends_in_a_resync(hub):
    viewer = Viewer(hub)
    await viewer.join()
    before = hub.rooms[LIVE].epoch

    publishing.missed.add(LIVE)
    await until(lambda: viewer.told("resync"))

    assert hub.rooms[LIVE].epoch != before
    assert not await viewer.join(Position(epoch=before, seq=0))


@pytest.mark.parametrize("message", [b"", b"nonsense", b"a|b|c\n{}"])
async def test_a_message_that_is_not_ours_is_survived(hub, valkey, message):
    viewer = Viewer(hub)
    await viewer.join()
    valkey.execute_command("SPUBLISH", hub.link.channel_of(LIVE), message)

    await publish(LIVE, event(0))
    await until(lambda: len(viewer.events) == 1)


async def test_a_server_that_refuses_a_standard_code_is_given_its_private_twin():
    sent = []

    async def like_daphne(message):
        if message["code"] < 3000:
            raise ValueError("invalid close code")
        sent.append(message["code"])

    line = AsgiLine(like_daphne)
    line.close(Close.SLOW)

    assert sent == [4013]
    assert line.is_closed
