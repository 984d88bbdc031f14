"""Rooms on the nodes of a real cluster of three; two hubs stand for two web processes."""

import asyncio
import contextlib

import pytest
from django.core.cache import caches

from creators.stage import publishing, wire
from creators.stage.hub import Hub
from creators.stage.wire import Position
from liveshop import probes
from tests.creators.stage.conftest import Viewer, publish
from tests.creators.stage.waiting import until
from tests.faults.cluster import OwnCluster
from tests.servers import free_port


def event(number):
    return wire.ShowCancelled(rev=number)


def revs(viewer):
    return [one["rev"] for one in viewer.events if "rev" in one]


@contextlib.contextmanager
def started(folder):
    own = OwnCluster(folder)
    try:
        yield own.start()
    finally:
        own.stop()


def forget():
    publishing._valkey.cache_clear()
    publishing.database.cache_clear()


@contextlib.contextmanager
def used(own, settings):
    """Have this process publish to a cluster."""
    settings.REDIS_CLUSTER, settings.REDIS_URL = True, own.url
    forget()
    yield
    assert publishing.missed.wait(20)
    publishing._valkey().close()
    forget()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with started(tmp_path_factory.mktemp("cluster")) as own:
        yield own


@pytest.fixture
def cluster(nodes, settings):
    for node in nodes.nodes:
        node.client.flushall()
    with used(nodes, settings):
        yield nodes


@pytest.fixture
def failing_cluster(tmp_path, settings):
    """A cluster for one test alone, whose first node has a replica."""
    with started(tmp_path) as own:
        own.add_replica(tmp_path, own.nodes[0])
        with used(own, settings):
            yield own


@pytest.fixture
async def hubs():
    """Two web processes, on the cluster that the test names before them."""
    hubs = [Hub(), Hub()]
    yield hubs
    for hub in hubs:
        await hub.close()


async def viewers_of(hubs, rooms):
    """Bring somebody into each room of each process."""
    viewers = [
        Viewer(hub, room, name=f"u:{number}") for number, hub in enumerate(hubs) for room in rooms
    ]
    for viewer in viewers:
        assert await viewer.join()
    return viewers


async def test_rooms_spread_over_the_nodes_and_everybody_hears_theirs(cluster, hubs, monkeypatch):
    rooms = cluster.rooms()
    viewers = await viewers_of(hubs, rooms)
    heard = [[], []]
    for hub, messages in zip(hubs, heard, strict=True):
        monkeypatch.setattr(hub, "on_control", _keeping(messages))

    for number, room in enumerate(rooms):
        await publish(room, event(number), event(number + 10))
    await until(lambda: all(len(revs(viewer)) == 2 for viewer in viewers))

    for viewer in viewers:
        number = rooms.index(viewer.name)
        assert revs(viewer) == [number, number + 10]
    for node, room in zip(cluster.nodes, rooms, strict=True):
        assert node.client.exists(f"{{{room}}}:head"), "each room is where it belongs"

    assert await asyncio.to_thread(publishing.control, {"kind": "standing", "piece_id": 1})
    await until(lambda: all(heard))
    await asyncio.sleep(0.05)
    assert heard == [[{"kind": "standing", "piece_id": 1}]] * 2, "once, though all nodes say it"


def _keeping(messages):
    async def keep(message):
        messages.append(message)

    return keep


async def test_who_comes_back_resumes_and_all_are_counted(cluster, hubs):
    rooms = cluster.rooms()
    viewers = await viewers_of(hubs, rooms)
    for room in rooms:
        await publish(room, event(1))
    await until(lambda: all(revs(viewer) == [1] for viewer in viewers))

    gone = viewers[: len(rooms)]
    positions = [viewer.position for viewer in gone]
    for viewer in gone:
        hubs[0].leave(viewer.seat)
    for room in rooms:
        await publish(room, event(2))
    # To the other process, where nobody knew them.
    back = [Viewer(hubs[1], viewer.name, name="u:0") for viewer in gone]
    for viewer, position in zip(back, positions, strict=True):
        assert await viewer.join(position)
    await until(lambda: all(revs(viewer) == [2] for viewer in back))

    async def counts():
        return [(await hubs[0].link.read(room)).viewers for room in rooms]

    async def until_counted():
        while await counts() != [2, 2, 2]:
            await asyncio.sleep(0.05)

    await asyncio.wait_for(until_counted(), 10)


@pytest.mark.campaign
async def test_a_node_that_is_lost_takes_only_its_rooms_with_it(cluster, hubs):
    rooms = cluster.rooms()
    viewers = await viewers_of(hubs, rooms)
    lost = cluster.nodes[0]
    theirs = [viewer for viewer in viewers if viewer.name == rooms[0]]
    others = [viewer for viewer in viewers if viewer.name != rooms[0]]
    before = {room: hubs[0].rooms[room].epoch for room in rooms}
    for room in rooms:
        await publish(room, event(0))
    await until(lambda: all(revs(viewer) == [0] for viewer in viewers))

    lost.kill()
    await until(lambda: all(viewer.told("notice") for viewer in theirs))
    for room in rooms[1:]:
        await publish(room, event(1))
    assert not await asyncio.to_thread(publishing.publish, rooms[0], [event(1)])
    # The pause after it is that node's alone.
    for room in rooms[1:]:
        await publish(room, event(2))
    await until(lambda: all(revs(viewer) == [0, 1, 2] for viewer in others))
    assert await asyncio.to_thread(publishing.control, {"kind": "standing", "piece_id": 1})
    assert not any(viewer.told("notice") for viewer in others)
    for hub in hubs:
        assert [hub.rooms[room].is_open for room in rooms] == [False, True, True]

    lost.start()
    await until(lambda: all(viewer.told("resync") for viewer in theirs), seconds=30)
    await asyncio.to_thread(publishing.missed.wait, 20)
    for viewer in theirs:
        reading = await viewer.hub.link.read(viewer.name)
        assert reading.epoch != before[viewer.name]
        await viewer.hub.reach(
            viewer.seat.room, Position(epoch=reading.epoch, seq=reading.seq), trusted=True
        )
        assert viewer.hub.follow(viewer.seat, Position(epoch=reading.epoch, seq=reading.seq))
    for room in rooms:
        await publish(room, event(3))
    await until(lambda: all(revs(viewer)[-1:] == [3] for viewer in viewers))

    for viewer in others:
        assert revs(viewer) == [0, 1, 2, 3]
        assert not viewer.told("notice")
        assert not viewer.told("resync")
    assert {hubs[1].rooms[room].epoch for room in rooms[1:]} == {before[r] for r in rooms[1:]}


async def test_a_room_that_moves_to_another_node_is_followed(cluster, hubs):
    room, stays, _ = cluster.rooms()
    viewers = await viewers_of(hubs, [room, stays])
    for name in (room, stays):
        await publish(name, event(1))
    await until(lambda: all(revs(viewer) == [1] for viewer in viewers))

    channel = hubs[0].link.channel_of(room)
    cluster.move(room, cluster.nodes[2])
    try:
        await until(lambda: cluster.nodes[2].client.pubsub_shardnumsub(channel)[0][1] == 2)
        # Its numbers are another server's now, so everybody asks for a state.
        moved = [viewer for viewer in viewers if viewer.name == room]
        await until(lambda: all(viewer.told("resync") for viewer in moved), seconds=10)
        for viewer in moved:
            reading = await viewer.hub.link.read(room)
            assert viewer.hub.follow(viewer.seat, Position(epoch=reading.epoch, seq=reading.seq))
        for name in (room, stays):
            await publish(name, event(2))
        await until(lambda: all(revs(viewer) == [1, 2] for viewer in viewers))
        assert cluster.nodes[2].client.exists(f"{{{room}}}:head")
        assert not any(viewer.told("resync") for viewer in viewers if viewer.name == stays)
    finally:
        cluster.move(room, cluster.nodes[0])


@pytest.mark.campaign
async def test_when_a_replica_takes_over_its_rooms_go_on_there(failing_cluster, hubs):
    room, stays, _ = failing_cluster.rooms()
    lost, *_, replica = failing_cluster.nodes
    viewers = await viewers_of(hubs, [room, stays])
    for name in (room, stays):
        await publish(name, event(1))
    await until(lambda: all(revs(viewer) == [1] for viewer in viewers))

    lost.kill()
    theirs = [viewer for viewer in viewers if viewer.name == room]
    await until(lambda: all(viewer.told("resync") for viewer in theirs), seconds=30)
    for viewer in theirs:
        assert [notice["kind"] for notice in viewer.told("notice")] == ["degraded", "live"]
        reading = await viewer.hub.link.read(room)
        assert viewer.hub.follow(viewer.seat, Position(epoch=reading.epoch, seq=reading.seq))
        viewer.texts.clear()
    # Who has not published since knows nothing of it: that one is repaired.
    assert not await asyncio.to_thread(publishing.publish, room, [event(0)])
    assert await asyncio.to_thread(publishing.missed.wait, 20)
    await until(lambda: all(viewer.told("resync") for viewer in theirs))
    for viewer in theirs:
        reading = await viewer.hub.link.read(room)
        assert viewer.hub.follow(viewer.seat, Position(epoch=reading.epoch, seq=reading.seq))
    for name in (room, stays):
        await publish(name, event(2))
    await until(lambda: all(revs(viewer)[-1:] == [2] for viewer in viewers))
    assert replica.client.exists(f"{{{room}}}:head")
    assert not any(viewer.told("notice") for viewer in viewers if viewer.name == stays)


# --- What else is in Valkey -------------------------------------------------------------------


@pytest.fixture
def cache(cluster, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": cluster.url}}
    return caches["default"]


def test_the_cache_is_on_all_nodes(cache, cluster):
    names = [f"name-{number}" for number in range(50)]
    values = {name: {"a": number} for number, name in enumerate(names)}
    cache.set_many(values, timeout=60)
    assert all(node.client.dbsize() for node in cluster.nodes)

    assert cache.get_many([*names, "no-such-name"]) == values
    assert [cache.add(name, 2) for name in ("name-0", "new")] == [False, True]
    assert (cache.get("new"), cache.incr("new")) == (2, 3)
    assert cache.delete("new")
    assert cache.get("new", "nothing") == "nothing"
    cache.delete_many(names[:10])
    assert len(cache.get_many(names)) == 40
    cache.clear()
    assert not any(node.client.dbsize() for node in cluster.nodes)


def test_valkey_is_there_when_nodes_answer(cluster):
    probes._valkey.cache_clear()
    try:
        assert probes._asks_valkey()
    finally:
        probes._valkey().close()
        probes._valkey.cache_clear()


def test_without_any_node_nothing_is_remembered_and_nothing_fails(settings):
    nobody = f"redis://127.0.0.1:{free_port()}"
    settings.REDIS_CLUSTER, settings.REDIS_URL = True, nobody
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": nobody}}
    cache = caches["default"]

    cache.set("name", 1)
    assert (cache.get("name"), cache.add("name", 1), cache.delete("name")) == (None, True, False)
