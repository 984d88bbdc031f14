"""Sockets that read slowly, break or fail, and a Valkey that goes away."""

import asyncio

import pytest
from django.db import OperationalError

from creators.chat.events import ModeratorActed
from creators.stage import hub as hub_module
from creators.stage import publishing, subscription, valkey, wire
from creators.stage.frames import Frame
from creators.stage.hub import Hub
from creators.stage.lines import AsgiLine
from creators.stage.room import Seat
from creators.stage.rooms import live_room, mods_room
from creators.stage.wire import Close, Position
from tests.creators.stage.conftest import Viewer, publish
from tests.creators.stage.waiting import until

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
    monkeypatch.setattr(subscription, "BACK_OFF_SECONDS", (0.3, 0.5))
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
    def away(**_):
        raise publishing.redis.ConnectionError("away")

    class Rooms(publishing._Missed):
        pass

    monkeypatch.setattr(valkey, "_registered", lambda _: away)
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
    assert not missed.is_paused("live:7")


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
