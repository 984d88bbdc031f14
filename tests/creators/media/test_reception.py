"""Who is let in: by key, by signed address, one at a time, and only while the site can say so."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import OperationalError

from creators.media import access, queries, reception, services
from creators.media.hls.output import StreamOutput
from creators.media.keeper import Keeper
from creators.media.models import Stream, StreamKey
from creators.media.publishing import Refusal
from creators.media.queries import Standing


class Database:
    """The clerk's and the database's place: one stream, one key, what was told."""

    has_told_all = True

    def __init__(self):
        self.stream = Stream(id=uuid4(), is_private=False)
        self.key = StreamKey(digest="", rev=1, target=self.stream)
        self.told = []
        self.is_away = False

    async def ask(self, question, *args, **fields):
        await asyncio.sleep(0)
        if self.is_away:
            raise OperationalError("away")
        return question(*args, **fields)

    def tell(self, service, *, now, **fields):
        self.told.append((service.__name__, fields.get("run") or fields.get("code")))

    def came(self, *, stream_id, source, now, after_run):
        if self.stream.closed_at:
            raise services.NotOpen
        self.stream.run += 1
        return self.stream.run

    def standings(self, _ids):
        standing = Standing(
            creator_id=1,
            run=self.stream.run,
            is_private=self.stream.is_private,
            is_receiving=True,
            is_closed=self.stream.closed_at is not None,
            is_erased=self.stream.erased_at is not None,
            on_air_from=self.stream.on_air_from,
            on_air_until=None,
            key_rev=self.key.rev,
            key_target=self.key.target_id,
        )
        return {self.stream.pk: standing}


class Shelf:
    def __init__(self):
        self.streams, self.discarded = {}, []

    def open(self, stream_id, *, is_private):
        output = self.streams.setdefault(stream_id, StreamOutput(stream_id, is_private=is_private))
        output.track("source")
        return output

    def kept(self):
        return []

    def discard(self, stream_id):
        self.discarded.append(stream_id)
        self.streams.pop(stream_id, None)


@pytest.fixture
async def origin(monkeypatch):
    database, shelf = Database(), Shelf()
    monkeypatch.setattr(queries, "key_like", lambda key: database.key if key == "good" else None)
    monkeypatch.setattr(queries, "standings", database.standings)
    monkeypatch.setattr(services, "say_seen", lambda **_fields: None)
    monkeypatch.setattr(services, "publisher_came", database.came)
    desk = reception.FrontDesk(open_output=shelf.open, clerk=database)
    desk.be_ready()
    keeper = Keeper(shelf=shelf, desk=desk, clerk=database)
    yield SimpleNamespace(
        database=database, shelf=shelf, desk=desk, keeper=keeper, stream=database.stream
    )
    await desk.close()
    await keeper.close(patience=1)


async def refused(coming):
    with pytest.raises(Refusal) as refusal:
        await coming
    assert refusal.value.text
    return refusal.value.code


def by_key(origin, key="good"):
    return origin.desk.by_key(key, address="192.0.2.1")


async def test_a_key_opens_its_stream_and_a_wrong_one_nothing(origin):
    assert await refused(by_key(origin, "bad")) == "unknown_key"
    assert origin.shelf.streams == {}
    intake = await by_key(origin)
    assert (intake.stream_id, intake.run) == (origin.stream.pk, 1)
    await intake.close()
    assert origin.database.told == [("publisher_went", 1)]
    assert origin.desk.present == {}


async def test_a_key_without_an_open_show_opens_nothing(origin):
    origin.stream.closed_at = datetime.now(UTC)
    assert await refused(by_key(origin)) == "no_show"
    origin.database.key.target = None
    assert await refused(by_key(origin)) == "no_show"


async def test_of_two_who_come_at_once_one_is_let_in(origin):
    outcomes = await asyncio.gather(by_key(origin), by_key(origin), return_exceptions=True)
    (no,) = (one for one in outcomes if isinstance(one, Refusal))
    assert no.code == "already_publishing"
    assert ("publisher_refused", "already_publishing") in origin.database.told
    # Who tries again and again is told about once in a while.
    told = list(origin.database.told)
    assert await refused(by_key(origin)) == "already_publishing"
    assert origin.database.told == told


async def test_a_silent_publisher_is_replaced(origin):
    first = await by_key(origin)
    first.meter.last_bytes -= reception.SILENT_SECONDS + 1
    second = await by_key(origin)
    assert first.ended.result().code == "replaced"
    assert origin.desk.present == {origin.stream.pk: second}
    with pytest.raises(Refusal):
        await first.write(b"late")
    await first.close()
    assert origin.desk.present == {origin.stream.pk: second}


async def test_one_who_comes_back_waits_until_the_earlier_connection_has_ended(origin):
    first = await by_key(origin)
    first.end(None)
    second = await by_key(origin)
    assert (second.run, first.ended.result()) == (2, None)


async def test_without_the_database_nobody_is_let_in_and_nobody_is_cut(origin):
    first = await by_key(origin)
    origin.database.is_away = True
    assert await refused(by_key(origin)) == "unavailable"
    await origin.keeper.look()
    assert origin.keeper.is_database_away
    assert not first.ended.done()
    origin.database.is_away = False
    await origin.keeper.look()
    assert not origin.keeper.is_database_away


async def test_a_database_that_is_silent_does_not_stop_the_keeper(origin, monkeypatch):
    intake = await by_key(origin)

    async def silent(*_args, **_fields):
        await asyncio.Event().wait()

    monkeypatch.setattr(origin.database, "ask", silent)
    monkeypatch.setattr("creators.media.keeper.ANSWERED_WITHIN", 0.01)
    await origin.keeper.look()
    assert origin.keeper.is_database_away
    assert not intake.ended.done()


async def test_what_is_left_in_disorder_shuts_nobody_out(origin, monkeypatch):
    monkeypatch.setattr(origin.shelf, "kept", lambda: [origin.stream.pk])
    monkeypatch.setattr(queries, "recorded_until", lambda _id: 1 / 0)
    origin.desk._is_ready.clear()
    await origin.keeper.take_over()
    assert (await by_key(origin)).run == 1


async def test_who_gives_up_while_it_is_entered_is_not_taken_for_present(origin):
    ask, goes_on = origin.database.ask, asyncio.Event()

    async def slow(question, *args, **fields):
        if "_come" in repr(question):
            await goes_on.wait()
        return await ask(question, *args, **fields)

    origin.database.ask = slow
    coming = asyncio.create_task(by_key(origin))
    await asyncio.sleep(0.01)
    coming.cancel()
    await asyncio.wait({coming})
    goes_on.set()
    await asyncio.sleep(0.01)
    assert origin.database.told == [("publisher_went", 1)]
    assert (await by_key(origin)).run == 2


async def test_numbers_go_on_beyond_those_of_runs_that_are_not_on_this_disk(origin):
    def number():
        return origin.shelf.streams[origin.stream.pk].tracks["source"]._next_segment

    await (await by_key(origin)).close()
    await (await by_key(origin)).close()
    assert number() == 0
    # All is lost but what the database knows.
    origin.shelf.streams.clear()
    origin.desk._last_runs.clear()
    await (await by_key(origin)).close()
    beyond = number()
    assert beyond > 2 * 60 * origin.desk.limits.minutes
    await (await by_key(origin)).close()
    assert number() == beyond


async def test_a_camera_needs_a_signed_address(origin):
    soon = datetime.now(UTC) + timedelta(minutes=1)
    coming = {"container": "webm", "address": "192.0.2.1"}
    stream_id = origin.stream.pk
    watch = access.sign(stream_id, purpose="watch", until=soon)
    assert await refused(origin.desk.by_token(stream_id, watch, **coming)) == "bad_token"
    publish = access.sign(stream_id, purpose="publish", until=soon)
    assert await refused(origin.desk.by_token(uuid4(), publish, **coming)) == "bad_token"


async def test_what_is_no_video_ends_it_with_words(origin):
    intake = await by_key(origin)
    assert await refused(intake.write(b"GET / HTTP/1.1")) == "broken_stream"
    await intake.over()
    assert origin.database.told == [
        ("publisher_went", 1),
        ("publisher_refused", "broken_stream"),
    ]


async def test_a_head_in_small_pieces_is_not_read_over_and_over(origin, monkeypatch):
    reads = []
    monkeypatch.setattr("creators.media.intake.recognise", lambda _form, head: reads.append(head))
    one = await by_key(origin)
    for _ in range(2000):
        await one.write(bytes(400))
    assert len(reads) < 200


async def test_the_keeper_cuts_who_came_by_an_older_key(origin):
    intake = await by_key(origin)
    await origin.keeper.look()
    assert not intake.ended.done()
    origin.database.key.rev += 1
    await origin.keeper.look()
    assert intake.ended.result().code == "key_changed"


@pytest.mark.parametrize("is_on_air", [False, True])
async def test_a_preview_follows_the_key_to_a_rehearsal_and_what_is_on_the_air_stays(
    origin, is_on_air
):
    intake = await by_key(origin)
    if is_on_air:
        origin.stream.on_air_from = datetime.now(UTC)
    origin.database.key.target = Stream(id=uuid4())
    await origin.keeper.look()
    if is_on_air:
        assert not intake.ended.done()
    else:
        assert intake.ended.result().code == "moved"
        await intake.over()
        assert origin.database.told == [("publisher_went", 1)]


async def test_the_keeper_ends_closed_streams_and_follows_privacy(origin):
    intake = await by_key(origin)
    origin.stream.is_private = True
    await origin.keeper.look()
    output = origin.shelf.streams[origin.stream.pk]
    assert output.is_private
    origin.stream.closed_at = datetime.now(UTC)
    await origin.keeper.look()
    assert intake.ended.result().code == "show_over"
    await intake.over()
    await origin.keeper.look()
    assert output.tracks["source"].is_ended
    assert origin.shelf.discarded == []
    origin.stream.erased_at = datetime.now(UTC)
    await origin.keeper.look()
    assert origin.shelf.discarded == [origin.stream.pk]


async def test_limits_of_time_and_of_patience(origin):
    intake = await by_key(origin)
    intake._began -= 60 * intake.limits.minutes + 1
    await origin.keeper.look()
    assert intake.ended.result().code == "too_long"
    second = await by_key(origin)
    await second.write(b"FLV\x01")
    second._began -= 60
    await origin.keeper.look()
    assert second.ended.result().code == "no_video"
    third = await by_key(origin)
    third.meter.must_be_cut = lambda *, at: True
    await origin.keeper.look()
    assert third.ended.result().code == "too_many_bits"
