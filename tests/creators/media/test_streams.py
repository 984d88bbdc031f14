"""Streams, their keys, and what the origin says of their publishers."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from creators.media import access, queries, services
from creators.media.models import Stream, StreamKey
from shops.facts.models import Event
from tests.factories.creators import CreatorFactory

pytestmark = pytest.mark.django_db

RTMP = Stream.Source.RTMP


@pytest.fixture
def creator(bob):
    return bob.creator


@pytest.fixture
def stream(creator, now):
    return services.open_stream(creator=creator, is_private=True, now=now)


def facts():
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_a_key_is_known_by_its_digest_only_and_points_to_the_open_stream(creator, stream, now):
    key = services.make_key(creator=creator, now=now)
    kept = StreamKey.objects.get()
    assert len(key) >= 24
    assert key not in (kept.digest, str(kept))
    assert kept.hint == key[-4:]
    assert queries.key_like(key).target == stream
    assert queries.key_like(key + "x") is None
    assert queries.key_like("\ud800") is None


def test_a_new_key_puts_an_end_to_the_old_one(creator, stream, now):
    old = services.make_key(creator=creator, now=now)
    new = services.make_key(creator=creator, now=now)
    assert queries.key_like(old) is None
    assert queries.key_like(new).rev == 2
    assert queries.standings([stream.pk])[stream.pk].key_rev == 2


def test_a_key_is_aimed_at_open_streams_of_its_creator_only(creator, stream, now):
    services.make_key(creator=creator, now=now)
    other = services.open_stream(creator=creator, is_private=True, now=now)
    services.aim_key(creator=creator, stream_id=other.pk, now=now)
    assert StreamKey.objects.get().target == other
    with pytest.raises(services.StreamClosed):
        services.aim_key(creator=CreatorFactory(), stream_id=other.pk, now=now)
    services.go_off_air(stream_id=other.pk, now=now)
    assert StreamKey.objects.get().target is None
    with pytest.raises(services.StreamClosed):
        services.aim_key(creator=creator, stream_id=other.pk, now=now)


def test_a_stream_on_the_air_keeps_its_first_beginning_and_closes_once(stream, now):
    services.go_on_air(stream_id=stream.pk, now=now)
    services.go_on_air(stream_id=stream.pk, now=now + timedelta(minutes=1))
    services.go_off_air(stream_id=stream.pk, now=now + timedelta(minutes=2))
    services.go_off_air(stream_id=stream.pk, now=now + timedelta(minutes=3))
    stream.refresh_from_db()
    assert stream.on_air_from == now
    assert stream.on_air_until == stream.closed_at == now + timedelta(minutes=2)
    with pytest.raises(services.StreamClosed):
        services.go_on_air(stream_id=stream.pk, now=now)


def test_a_preview_that_never_went_on_the_air_has_no_end_of_it(stream, now):
    services.go_off_air(stream_id=stream.pk, now=now)
    stream.refresh_from_db()
    assert (stream.on_air_until, stream.closed_at) == (None, now)


def test_a_publisher_comes_is_seen_and_goes(stream, now):
    run = services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    assert run == 1
    assert services.picture_started(stream_id=stream.pk, run=1, now=now)
    stream.refresh_from_db()
    assert stream.is_receiving
    assert services.publisher_went(stream_id=stream.pk, run=1, now=now)
    assert not services.publisher_went(stream_id=stream.pk, run=1, now=now)
    stream.refresh_from_db()
    assert not stream.is_receiving
    assert stream.lost_at == now
    assert facts() == ["PictureStarted", "PictureLost"]


def test_a_second_publisher_waits_until_the_first_ones_origin_is_silent(stream, now):
    services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    with pytest.raises(services.PublishingAlready):
        services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    services.say_seen(runs={stream.pk: 1}, now=now + timedelta(seconds=15))
    with pytest.raises(services.PublishingAlready):
        services.publisher_came(stream_id=stream.pk, source=RTMP, now=now + timedelta(seconds=30))
    later = now + timedelta(seconds=40)
    assert services.publisher_came(stream_id=stream.pk, source=RTMP, now=later) == 2


def test_the_origin_that_had_the_last_run_may_begin_the_next_at_once(stream, now):
    services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    again = {"stream_id": stream.pk, "source": RTMP, "now": now}
    with pytest.raises(services.PublishingAlready):
        services.publisher_came(**again, after_run=0)
    assert services.publisher_came(**again, after_run=1) == 2
    # What is said late of the run before changes nothing.
    assert not services.publisher_went(stream_id=stream.pk, run=1, now=now)
    assert not services.picture_started(stream_id=stream.pk, run=1, now=now)
    assert facts() == []


def test_a_closed_stream_takes_no_publisher(stream, now):
    services.go_off_air(stream_id=stream.pk, now=now)
    for stream_id in (stream.pk, uuid4()):
        with pytest.raises(services.NotOpen):
            services.publisher_came(stream_id=stream_id, source=RTMP, now=now)


def test_a_refusal_is_kept_for_the_creator_until_a_picture_is_there(stream, now):
    services.publisher_refused(stream_id=stream.pk, code="too_large", now=now)
    services.publisher_refused(stream_id=uuid4(), code="too_large", now=now)
    stream.refresh_from_db()
    assert (stream.trouble_code, stream.trouble_at) == ("too_large", now)
    services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    services.picture_started(stream_id=stream.pk, run=1, now=now)
    stream.refresh_from_db()
    assert (stream.trouble_code, stream.trouble_at) == ("", None)
    assert facts() == ["PublisherRefused", "PictureStarted"]


def test_streams_of_a_dead_origin_are_lost_and_others_not(stream, creator, now):
    alive = services.open_stream(creator=creator, is_private=True, now=now)
    for one in (stream, alive):
        services.publisher_came(stream_id=one.pk, source=RTMP, now=now)
    later = now + timedelta(seconds=60)
    services.say_seen(runs={alive.pk: 1, stream.pk: 7}, now=later)
    assert services.close_lost(now=later) == 1
    assert services.close_lost(now=later) == 0
    assert not Stream.objects.get(pk=stream.pk).is_receiving
    assert Stream.objects.get(pk=alive.pk).is_receiving


def test_a_stream_taken_for_lost_is_found_again(stream, now):
    services.publisher_came(stream_id=stream.pk, source=RTMP, now=now)
    services.close_lost(now=now + timedelta(seconds=60))
    assert services.picture_started(stream_id=stream.pk, run=1, now=now + timedelta(seconds=61))
    assert Stream.objects.get(pk=stream.pk).is_receiving


def test_what_the_site_says_of_many_streams_is_one_question(
    creator, stream, now, django_assert_num_queries
):
    services.go_on_air(stream_id=stream.pk, now=now)
    other = services.open_stream(creator=CreatorFactory(), is_private=False, now=now)
    with django_assert_num_queries(1):
        found = queries.standings([stream.pk, other.pk, uuid4()])
    assert found.keys() == {stream.pk, other.pk}
    assert found[stream.pk].on_air_from == now
    assert (found[stream.pk].is_private, found[other.pk].is_private) == (True, False)
    assert found[other.pk].key_rev == 0
    services.set_privacy(stream_id=stream.pk, is_private=False, now=now)
    assert not queries.standings([stream.pk])[stream.pk].is_private


def test_addresses_are_signed_when_they_have_to_be_and_stay_for_an_hour(stream, now, settings):
    settings.ORIGIN_URL, settings.PLAYBACK_URL = "https://video.example", ""
    at = now.replace(minute=0)
    private = queries.playback_url(stream, now=at)
    token = private.split("/")[5]
    assert access.is_valid(token, stream.pk, purpose="watch", now=at + timedelta(hours=12))
    assert not access.is_valid(token, stream.pk, purpose="publish", now=at)
    assert queries.playback_url(stream, now=at + timedelta(minutes=59)) == private
    assert queries.ingest_url(stream, now=at).startswith(
        f"wss://video.example/ingest/{stream.pk}/~"
    )
    assert queries.health_url(stream, now=at).endswith("/health.json")
    stream.is_private = False
    base = f"https://video.example/live/{stream.pk}/"
    assert queries.playback_url(stream, now=at) == base + "index.m3u8"
    assert queries.poster_url(stream, now=at) == base + "poster.jpg"
    host = queries.playback_url(stream, now=at, host=True).split("/")[5]
    assert access.is_valid(host, stream.pk, purpose="host", now=at)


@pytest.mark.parametrize(
    ("pattern", "public", "private"),
    [
        ("https://cdn.example/{stream}/{token}a.m3u8", "{id}/a.m3u8", "{id}/~"),
        ("https://cdn.example/{stream}/a.m3u8", "{id}/a.m3u8", "{id}/a.m3u8?token=~"),
        ("https://cdn.example/a?s={stream}", "a?s={id}", "a?s={id}&token=~"),
    ],
)
def test_one_setting_points_elsewhere(stream, now, settings, pattern, public, private):
    settings.PLAYBACK_URL = pattern
    base = "https://cdn.example/"
    begins = base + private.format(id=stream.pk)
    assert queries.playback_url(stream, now=now).startswith(begins)
    stream.is_private = False
    assert queries.playback_url(stream, now=now) == base + public.format(id=stream.pk)


def test_no_key_is_kept_in_the_database(creator, stream, now):
    key = services.make_key(creator=creator, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM media_streamkey k")
        assert key not in cursor.fetchone()[0]
