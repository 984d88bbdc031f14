"""Shows that were left end by themselves, and no other does."""

from datetime import timedelta

import pytest

from creators.live import services
from creators.live.models import LiveSession, ShowState
from creators.media.models import Stream

HOUR = timedelta(hours=1)


@pytest.fixture
def begin(bob, now):
    """begin(…) is a show of an hour that began ten hours ago; its stream's fields can be set."""

    def make(*, seen=None, **stream):
        began = now - 10 * HOUR
        session = services.schedule_show(
            creator=bob.creator, title="Long", scheduled_at=began, now=began
        )
        services.start_show(piece_id=session.pk, by=bob, now=began)
        LiveSession.objects.filter(pk=session.pk).update(host_seen_at=seen)
        Stream.objects.filter(pk=session.stream_id).update(**stream)
        return session

    return make


def _ended(session, now):
    services.end_abandoned(now=now)
    return LiveSession.objects.get(pk=session.pk).state == ShowState.ENDED


def test_a_show_with_a_picture_goes_on(begin, now):
    assert not _ended(begin(receiving_since=now - HOUR, lost_at=now - 2 * HOUR), now)


@pytest.mark.parametrize(("minutes", "ended"), [(9, False), (10, True)])
def test_a_lost_picture_is_waited_for_ten_minutes(begin, now, minutes, ended):
    session = begin(lost_at=now - timedelta(minutes=minutes), run=1)
    assert _ended(session, now) is ended


def test_a_host_who_is_there_is_left_alone(begin, now):
    session = begin(lost_at=now - HOUR, run=1, seen=now - timedelta(minutes=1))
    assert not _ended(session, now)
    # Not for ever.
    later = now + 2 * HOUR
    LiveSession.objects.update(host_seen_at=later)
    assert _ended(session, later)


@pytest.mark.parametrize(("hours", "ended"), [(1.9, False), (2, True)])
def test_a_show_that_never_had_a_picture_ends_an_hour_after_its_planned_end(
    begin, now, hours, ended
):
    session = begin()
    assert _ended(session, session.scheduled_at + hours * HOUR) is ended


def test_a_picture_that_was_lost_before_it_began_counts_from_the_beginning(begin, now):
    session = begin(run=1, lost_at=now - 11 * HOUR)
    assert not _ended(session, now - 10 * HOUR + timedelta(minutes=9))
    assert _ended(session, now - 10 * HOUR + timedelta(minutes=10))


def test_a_rehearsal_that_was_left_ends_and_is_erased(bob, now):
    session = services.schedule_show(creator=bob.creator, title="x", scheduled_at=now, now=now)
    rehearsal = services.rehearse(piece_id=session.pk, by=bob, now=now)
    assert _ended(rehearsal, now + 3 * HOUR)
    assert Stream.objects.get(session=rehearsal).erased_at is not None


def test_the_open_console_says_that_the_host_is_there(client, show, bob, alice, now):
    client.force_login(alice)
    client.post(f"/live/{show.pk}/console/here/", headers={"accept": "application/json"})
    assert LiveSession.objects.get(pk=show.pk).host_seen_at is None
    client.force_login(bob)
    client.post(f"/live/{show.pk}/console/here/", headers={"accept": "application/json"})
    assert LiveSession.objects.get(pk=show.pk).host_seen_at >= now
