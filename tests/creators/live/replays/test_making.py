from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from creators.live.models import Clip, Replay
from creators.live.replays import queries, services
from creators.live.replays.tasks import make_replay
from creators.live.services import NotHost, end_show
from creators.media.models import Segment
from shops.facts.models import Event
from shops.facts.reacting import carry_out
from tests.factories.media import SegmentFactory


def _jobs(name):
    return [job.args for job in ProcrastinateJob.objects.filter(task_name=name).order_by("id")]


def test_a_public_shows_replay_is_published_and_lasts_as_long_as_what_was_recorded(replay):
    assert replay.is_published
    assert replay.duration_ms == 50_000


def test_a_private_shows_replay_is_hidden_at_first(recorded, now):
    recorded.visibility = "private"
    recorded.save()
    assert services.make_replay(piece_id=recorded.pk, now=now).state == Replay.State.HIDDEN


@pytest.mark.parametrize("case", ["nothing recorded", "rehearsal", "erased", "live"])
def test_there_is_no_replay_of(case, recorded, now):
    if case == "nothing recorded":
        Segment.objects.all().delete()
    elif case == "rehearsal":
        type(recorded).objects.filter(pk=recorded.pk).update(rehearsal_of=recorded.pk)
    elif case == "erased":
        recorded.stream.erased_at = now
        recorded.stream.save()
    else:
        type(recorded).objects.filter(pk=recorded.pk).update(state="live")
    assert services.make_replay(piece_id=recorded.pk, now=now) is None
    assert not Replay.objects.exists()


def test_making_it_again_changes_neither_its_ends_nor_its_state(replay, bob, now):
    services.trim_replay(piece_id=replay.session_id, starts=10_000, ends=20_000, by=bob)
    services.set_state(piece_id=replay.session_id, state=Replay.State.HIDDEN, by=bob)
    again = services.make_replay(piece_id=replay.session_id, now=now)
    assert (again.pk, again.state, again.duration_ms) == (replay.pk, "hidden", 10_000)


def test_the_end_of_a_show_makes_a_replay_in_a_moment(recorded, bob, now):
    type(recorded).objects.filter(pk=recorded.pk).update(state="live", ended_at=None)
    end_show(piece_id=recorded.pk, by=bob, now=now)
    event = Event.objects.get(kind="ShowEnded")
    carry_out(
        event_id=event.pk, reaction="creators.live.replays.reactions.make_replay_soon", now=now
    )
    assert _jobs(services.MAKE) == [{"piece_id": recorded.pk}]


def test_a_recorder_that_has_not_written_all_is_waited_for(recorded):
    Segment.objects.filter(first=7).delete()
    make_replay(piece_id=recorded.pk)
    assert not Replay.objects.exists()
    assert _jobs(services.MAKE) == [{"piece_id": recorded.pk, "look": 1}]
    SegmentFactory(
        stream=recorded.stream,
        run=2,
        first=7,
        starts_at=recorded.started_at + timedelta(seconds=52),
        duration_ms=8000,
    )
    make_replay(piece_id=recorded.pk, look=1)
    assert Replay.objects.get().duration_ms == 50_000
    assert _jobs(services.ILLUSTRATE) == [{"piece_id": recorded.pk}]
    assert len(_jobs(services.MAKE)) == 1


def test_after_a_while_it_is_made_of_what_there_is_and_takes_up_what_comes_late(recorded):
    late = Segment.objects.get(first=7)
    Segment.objects.filter(first=7).delete()
    make_replay(piece_id=recorded.pk, look=4)
    assert Replay.objects.get().duration_ms == 42_000
    late.pk = None
    late.save()
    make_replay(piece_id=recorded.pk, look=5)
    assert Replay.objects.get().duration_ms == 50_000


def test_a_stream_without_anything_is_looked_at_for_the_last_time_after_an_hour(recorded):
    Segment.objects.all().delete()
    make_replay(piece_id=recorded.pk, look=7)
    assert not Replay.objects.exists()
    assert _jobs(services.MAKE) == []


def test_a_show_whose_publisher_left_before_its_end_is_all_there(recorded, at):
    Segment.objects.filter(starts_at__gte=at(30)).delete()
    assert not services.is_all_there(recorded)
    recorded.stream.lost_at = at(31)
    assert services.is_all_there(recorded)


def test_trimming_moves_the_ends_over_the_gap_and_drops_the_pictures(replay, bob, at):
    Replay.objects.update(still="replays/a/still.jpg", preview="replays/a/preview.webp")
    trimmed = services.trim_replay(piece_id=replay.session_id, starts=10_000, ends=40_000, by=bob)
    assert (trimmed.starts_at, trimmed.ends_at) == (at(10), at(50))
    assert (trimmed.duration_ms, trimmed.still, trimmed.preview) == (30_000, "", "")
    assert _jobs(services.FORGET) == [{"names": ["replays/a/still.jpg", "replays/a/preview.webp"]}]
    assert _jobs(services.ILLUSTRATE) == [{"piece_id": replay.session_id}]


@pytest.mark.parametrize("is_hidden", [False, True])
def test_a_clip_of_what_was_cut_off_goes_unless_it_was_hidden(replay, bob, at, now, is_hidden):
    Clip.objects.create(
        session=replay.session,
        pin=replay.session.pins.earliest("pinned_at"),
        starts_at=at(1),
        ends_at=at(20),
        clicks=3,
        is_hidden=is_hidden,
        video="replays/a/clip.mp4",
        made_at=now,
    )
    services.trim_replay(piece_id=replay.session_id, starts=10_000, ends=40_000, by=bob)
    assert Clip.objects.filter(is_hidden=True).exists() is is_hidden
    assert bool(_jobs(services.FORGET)) is not is_hidden


def test_taking_all_back_in_gives_the_whole_show(replay, bob, at):
    services.trim_replay(piece_id=replay.session_id, starts=10_000, ends=20_000, by=bob)
    back = services.trim_replay(piece_id=replay.session_id, starts=0, ends=99_999_000, by=bob)
    assert (back.starts_at, back.ends_at, back.duration_ms) == (at(0), at(60), 50_000)


@pytest.mark.parametrize(("starts", "ends"), [(0, 4999), (20_000, 10_000), (49_000, 90_000)])
def test_less_than_five_seconds_are_no_replay(replay, bob, starts, ends):
    with pytest.raises(services.TooShort):
        services.trim_replay(piece_id=replay.session_id, starts=starts, ends=ends, by=bob)


def test_deleting_erases_the_recording_and_nothing_makes_it_anew(replay, recorded, bob, now):
    services.delete_replay(piece_id=recorded.pk, by=bob, now=now)
    assert not Replay.objects.exists()
    recorded.stream.refresh_from_db()
    assert recorded.stream.erased_at == now
    assert _jobs("media.erase") or ProcrastinateJob.objects.filter(queue_name="media").exists()
    make_replay(piece_id=recorded.pk)
    assert not Replay.objects.exists()


@pytest.mark.parametrize(
    ("work", "more"),
    [
        (services.trim_replay, {"starts": 0, "ends": 20_000}),
        (services.set_state, {"state": Replay.State.HIDDEN}),
        (services.set_clip_hidden, {"clip_id": 1, "is_hidden": True}),
        (services.delete_replay, {"now": datetime.now(UTC)}),
    ],
)
def test_only_its_host_may_change_a_replay(replay, alice, work, more):
    with pytest.raises(NotHost):
        work(piece_id=replay.session_id, by=alice, **more)


def test_chapters_and_goods_are_those_of_what_is_left(replay, recorded, bob, product):
    shown = queries.of_replay(replay)
    listed = queries.chapters(recorded, shown)
    assert [(one.title, one.place) for one in listed] == [
        ("Silk scarf", 5_000),
        ("Linen shirt", 35_000),
    ]
    scarf, shirt = queries.goods(recorded, listed)
    assert (scarf.then_minor, scarf.item.cheapest.price_minor, scarf.has_other_price) == (
        1490,
        1990,
        True,
    )
    assert not shirt.has_other_price
    trimmed = services.trim_replay(piece_id=recorded.pk, starts=26_000, ends=50_000, by=bob)
    shown = queries.of_replay(trimmed)
    listed = queries.chapters(recorded, shown)
    assert [(one.title, one.place) for one in listed] == [("Linen shirt", 9_000)]
    assert [(good.item.title, good.place) for good in queries.goods(recorded, listed)] == [
        ("Linen shirt", 9_000),
        ("Silk scarf", None),
    ]
