"""What is kept of a stream: stored in stretches, whatever is away; erased with all its files."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.db import OperationalError
from procrastinate.contrib.django.models import ProcrastinateJob

from creators.media import queries, recorder, services, tasks
from creators.media.hls.track import ClosedSegment
from creators.media.models import Segment
from creators.media.queries import Standing
from tests.factories.media import StreamFactory

START = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
ON_AIR = Standing(
    creator_id=1,
    run=1,
    is_private=False,
    is_receiving=True,
    is_closed=False,
    is_erased=False,
    on_air_from=START,
    on_air_until=None,
    key_rev=1,
)


def entry(stream, first=0, **fields):
    return {
        "stream_id": stream.pk,
        "run": 1,
        "first": first,
        "starts_at": START + timedelta(seconds=6 * first),
        "duration_ms": 6000,
        "size_bytes": 5,
        "name": f"{stream.pk}/x/{first}.m4s",
        "init_name": f"{stream.pk}/x/init-1.mp4",
        **fields,
    }


@pytest.fixture
def storage(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    return storages["recordings"]


@pytest.mark.django_db
def test_a_stretch_is_entered_once(bob):
    stream = StreamFactory(creator=bob.creator)
    assert services.record_segment(**entry(stream))
    assert not services.record_segment(**entry(stream, name="another try"))
    services.record_segment(**entry(stream, 1))
    assert queries.recorded_until(stream.pk) == (1, START + timedelta(seconds=12))
    found = queries.segments(stream, START + timedelta(seconds=6), START + timedelta(seconds=7))
    assert [one.first for one in found] == [1]


@pytest.mark.django_db
def test_an_erased_stream_leaves_no_file_no_row_and_takes_none(bob, storage):
    stream, other = StreamFactory(creator=bob.creator), StreamFactory()
    for one in (stream, other):
        services.record_segment(**entry(one))
        for name in ("0.m4s", "init-1.mp4", "never-entered.m4s"):
            storage.save(f"{one.pk}/x/{name}", ContentFile(b"video"))
    assert tasks.erase(stream_id=str(stream.pk)) is None
    assert storage.exists(f"{stream.pk}/x/0.m4s")

    services.erase_stream(stream_id=stream.pk, now=START)
    services.erase_stream(stream_id=stream.pk, now=START)
    job = ProcrastinateJob.objects.get(task_name="media.erase")
    tasks.erase(**job.args)
    assert not storage.exists(f"{stream.pk}/x/never-entered.m4s")
    assert storage.exists(f"{other.pk}/x/0.m4s")
    assert [one.stream_id for one in Segment.objects.all()] == [other.pk]
    with pytest.raises(services.Erased):
        services.record_segment(**entry(stream, 1))
    stream.refresh_from_db()
    assert stream.erased_at == stream.closed_at == START


class Database:
    """What a recorder enters, in place of the clerk."""

    def __init__(self):
        self.rows = []
        self.failures = []

    async def ask(self, enter, stretch, name, init_name):
        if self.failures:
            raise self.failures.pop()
        self.rows.append((stretch[0].number, stretch[-1].number, name, init_name))


def segment(number, *, run=1, size=10, at=None):
    return ClosedSegment(
        number=number,
        run=run,
        init_name=f"init-{run}.mp4",
        init=b"init",
        starts_at=START.timestamp() + number if at is None else at,
        duration=1.0,
        is_discontinuity=False,
        data=bytes([number]) * size,
    )


@pytest.fixture
async def recording(storage, monkeypatch):
    """A recorder whose clock is `clock[0]`; `recording.disk` has what can be read again."""
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.01)
    clock, disk, database = [START.timestamp()], {}, Database()
    with ThreadPoolExecutor(1) as threads:
        made = recorder.Recorder(
            stream_id=uuid4(), clerk=database, threads=threads, read=disk.get, now=lambda: clock[0]
        )
        made.clock, made.disk, made.database = clock, disk, database
        yield made
        made.close()


async def until(is_true):
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.005)


async def test_what_is_on_the_air_is_stored_in_stretches_of_six_seconds(recording, storage):
    recording.follow(ON_AIR)
    for number in range(13):
        recording.take(segment(number))
    rows = recording.database.rows
    await until(lambda: len(rows) == 2)
    assert [(first, last) for first, last, _, _ in rows] == [(0, 5), (6, 11)]
    assert storage.open(rows[0][2]).read() == b"".join(bytes([n]) * 10 for n in range(6))
    assert storage.open(rows[0][3]).read() == b"init"
    recording.follow(replace(ON_AIR, is_closed=True))
    await until(lambda: len(rows) == 3)
    assert rows[2][:2] == (12, 12)
    assert recording.is_done


async def test_previews_and_what_comes_after_the_end_are_not_kept(recording):
    recording.follow(replace(ON_AIR, on_air_from=None))
    for number in range(3):
        recording.take(segment(number))
    recording.clock[0] += 5
    end = START + timedelta(seconds=6.5)
    recording.follow(replace(ON_AIR, on_air_from=START + timedelta(seconds=3.5), on_air_until=end))
    for number in range(3, 9):
        recording.take(segment(number))
    assert await recording.finish(patience=5)
    assert [row[:2] for row in recording.database.rows] == [(3, 6)]


async def test_a_new_run_begins_a_new_stretch_with_its_own_init(recording, storage):
    recording.follow(ON_AIR)
    for number in range(4):
        recording.take(segment(number, run=1 if number < 2 else 2))
    assert await recording.finish(patience=5)
    rows = recording.database.rows
    assert [row[:2] for row in rows] == [(0, 1), (2, 3)]
    assert rows[0][3] != rows[1][3]


async def test_it_waits_for_the_database_and_for_a_full_storage(recording, storage, monkeypatch):
    save, is_full = InMemoryStorage.save, [True, True]

    def full_at_first(*args, **fields):
        if is_full:
            is_full.pop()
            raise OSError(28, "No space left on device")
        return save(*args, **fields)

    monkeypatch.setattr(InMemoryStorage, "save", full_at_first)
    recording.database.failures = [OperationalError("away"), OperationalError("away")]
    recording.follow(ON_AIR)
    for number in range(6):
        recording.take(segment(number))
    await until(lambda: recording.state == "failing")
    await until(lambda: recording.database.rows)
    assert recording.state == "on"
    _, _, name, init_name = recording.database.rows[0]
    assert storage.size(name) == 60
    assert storage.size(init_name) == 4


async def test_what_memory_does_not_hold_is_read_from_the_disk(recording, monkeypatch):
    monkeypatch.setattr(recorder, "MOST_WAITING", 25)
    recording.disk |= {number: segment(number).data for number in (2, 3, 5)}
    for number in range(6):
        recording.take(segment(number))
    recording.follow(ON_AIR)
    assert await recording.finish(patience=5)
    # The fourth is neither here nor there any more: the rest is not lost with it.
    assert [row[:2] for row in recording.database.rows] == [(0, 3), (5, 5)]


async def test_an_erased_stream_keeps_nothing_that_was_on_its_way(recording, storage):
    recording.database.failures = [services.Erased()]
    recording.follow(ON_AIR)
    for number in range(6):
        recording.take(segment(number))
    await until(lambda: not recording._waiting)
    await asyncio.sleep(0.02)
    assert recording.database.rows == []
    folder = f"{recording._stream_id}"
    (random,), _ = storage.listdir(folder)
    assert storage.listdir(f"{folder}/{random}")[1] == []


async def test_what_is_being_written_while_its_stream_is_erased_does_not_stay(
    recording, storage, monkeypatch
):
    save, goes_on, names = InMemoryStorage.save, threading.Event(), []

    def slow(self, name, content, **fields):
        goes_on.wait(5)
        names.append(save(self, name, content, **fields))
        return names[-1]

    monkeypatch.setattr(InMemoryStorage, "save", slow)
    recording.database.failures = [OperationalError("away")]
    recording.follow(ON_AIR)
    for number in range(6):
        recording.take(segment(number))
    await asyncio.sleep(0.02)
    recording.follow(replace(ON_AIR, is_erased=True))
    recording.close()
    goes_on.set()
    await asyncio.wait({recording._task}, timeout=5)
    assert len(names) == 2
    assert not any(storage.exists(name) for name in names)


async def test_a_name_does_not_tell_its_neighbours(recording):
    recording.follow(ON_AIR)
    for number in range(12):
        recording.take(segment(number))
    await until(lambda: len(recording.database.rows) == 2)
    first, second = (row[2].split("/")[-2] for row in recording.database.rows)
    assert first != second
    assert len(first) >= 12
