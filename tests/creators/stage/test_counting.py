"""Who watches and how many hearts there are, over all processes."""

from tests.creators.stage.conftest import Viewer, until

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
