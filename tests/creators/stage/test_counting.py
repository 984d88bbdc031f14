"""Who watches and how many hearts there are, over all processes."""

import asyncio
from itertools import pairwise

from creators.stage import counting, wire
from creators.stage.room import Room
from creators.stage.wire import Position
from tests.creators.stage.conftest import Viewer, publish
from tests.creators.stage.waiting import until

LIVE = "live:1"


def counts(viewer):
    frames = [text for text in viewer.texts if "events" in text]
    found = [one for frame in frames for one in frame["events"] if one["t"] == "counts"]
    return (found[-1]["viewers"], found[-1]["hearts"]) if found else None


async def test_viewers_are_different_people_over_all_processes(hub, other_hub):
    alice, again, bob = Viewer(hub), Viewer(other_hub), Viewer(other_hub, name="u:2")
    for viewer in (alice, again, bob):
        await viewer.join()

    await until(lambda: counts(alice) == (2, 0) and counts(bob) == (2, 0))


async def test_who_leaves_is_no_longer_counted(hub, monkeypatch):
    monkeypatch.setattr("creators.stage.counting.LEFT_SECONDS", 0)
    monkeypatch.setattr("creators.stage.counting.ROUND_SECONDS", 0.1)
    alice, bob = Viewer(hub), Viewer(hub, name="u:2")
    await alice.join()
    await bob.join()
    await until(lambda: counts(alice) == (2, 0))

    hub.leave(bob.seat)

    await until(lambda: counts(alice) == (1, 0))


async def test_hearts_are_added_up_before_they_are_told(hub, other_hub):
    alice, bob = Viewer(hub), Viewer(other_hub, name="u:2")
    await alice.join()
    await bob.join()
    await until(lambda: counts(alice) == (2, 0))

    for _ in range(300):
        hub.rooms[LIVE].hearts += 1
        other_hub.rooms[LIVE].hearts += 2
    await until(lambda: counts(alice) == (2, 900) and counts(bob) == (2, 900))

    frames = [text for text in alice.texts if "events" in text]
    told = [one for frame in frames for one in frame["events"] if one["t"] == "counts"]
    assert len(told) <= 5


async def test_a_room_that_cannot_be_counted_is_alone_with_it(hub, monkeypatch):
    tell = counting._tell

    async def fail(room, link, **more):
        if room.name == "live:9":
            raise ValueError("a defect of ours")
        await tell(room, link, **more)

    monkeypatch.setattr(counting, "_tell", fail)
    monkeypatch.setattr(counting, "COUNT_SECONDS", 0.02)
    await Viewer(hub, room="live:9").join()
    alice = Viewer(hub)
    # Counted so often, she may find herself in the snapshot: then no event tells of her.
    await alice.join()
    hub.rooms["live:9"].hearts = 1
    await asyncio.sleep(0.05)

    hub.rooms[LIVE].hearts = 3

    await until(lambda: counts(alice) == (1, 3))


def lags(viewer):
    frames = [text for text in viewer.texts if "events" in text]
    found = [one for frame in frames for one in frame["events"] if one["t"] == "counts"]
    return (found[-1]["lag_ms"], found[-1]["grace_ms"]) if found else None


async def test_lags_of_all_processes_make_the_grace(hub, other_hub, monkeypatch):
    monkeypatch.setattr("creators.stage.counting.ROUND_SECONDS", 0.1)
    alice, bob = Viewer(hub), Viewer(other_hub, name="u:2")
    await alice.join()
    await bob.join()
    await until(lambda: lags(alice) == (None, 2000))

    for _ in range(19):
        alice.seat.room.lagging(1100)
    await until(lambda: lags(bob) == (1250, 1500))
    bob.seat.room.lagging(2900)
    bob.seat.room.lagging(2900)
    await until(lambda: lags(alice) == (1250, 3000))
    for _ in range(30):
        bob.seat.room.lagging(60_000)
    await until(lambda: lags(alice)[1] == 5000)


# --- Where much happens -----------------------------------------------------------------------


def test_counts_are_told_less_often_where_much_happens(monkeypatch):
    room = Room("live:1", 10)
    clock = [100.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: clock[0])
    room.counted_at, room.has_changed = 100.0, True

    room.came = counting.BUSY_EVENTS
    counting.weigh(room, seconds=1.0)
    assert counting.is_due(room)
    room.came = counting.BUSY_EVENTS + 1
    counting.weigh(room, seconds=1.0)
    assert not counting.is_due(room)
    clock[0] += counting.BUSY_COUNT_SECONDS
    assert counting.is_due(room), "but they are told"
    counting.weigh(room, seconds=1.0)
    clock[0] -= 1
    assert counting.is_due(room), "and as before when it is quiet again"


def test_counts_are_told_less_often_to_very_many():
    room = Room("live:1", 10)
    room.followers = counting.BUSY_VIEWERS + 1

    counting.weigh(room, seconds=1.0)

    assert room.is_busy


async def test_a_chat_above_its_rate_is_left_out_alike_for_all_who_were_there_and_come_back(
    hub, settings
):
    settings.STAGE_CHAT_RATE = 20
    viewer, resumes = Viewer(hub), Viewer(hub, name="u:2")
    await viewer.join()
    start = Position(epoch=hub.rooms[LIVE].epoch, seq=hub.rooms[LIVE].seq)

    for begin in range(0, 100, 10):
        lines = [
            wire.Chat(
                line=wire.ChatLine(
                    id=begin + n,
                    author_id=1,
                    author="A",
                    body="hello",
                    sent_at=1,
                    client_id=None,
                )
            )
            for n in range(10)
        ]
        await publish(LIVE, *lines, wire.ShowCancelled(rev=begin))
    await until(lambda: len([one for one in viewer.events if one["t"] != "chat"]) == 10)
    assert await resumes.join(start)
    await until(lambda: resumes.events and resumes.position.seq == viewer.position.seq)

    frames = [text for text in viewer.texts if "events" in text]
    lines = [one for one in viewer.events if one["t"] == "chat"]
    assert 20 <= len(lines) < 100
    assert sum(frame.get("left_out", 0) for frame in frames) == 100 - len(lines)
    assert all(b["from"] == a["seq"] + 1 for a, b in pairwise(frames))
    assert resumes.events == viewer.events
    assert sum(text.get("left_out", 0) for text in resumes.texts) == 100 - len(lines)
