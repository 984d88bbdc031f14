"""The hub on a real Valkey: order, resume, windows, slow readers, lost history, two processes."""

import asyncio
from itertools import pairwise

from creators.stage import hub as hub_module
from creators.stage import wire
from creators.stage.hub import Hub
from creators.stage.wire import Position
from tests.creators.stage.conftest import Viewer, publish
from tests.creators.stage.waiting import until

LIVE = "live:1"


def event(number):
    return wire.ShowCancelled(rev=number)


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
