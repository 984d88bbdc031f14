"""A show's picture: its stream and key through the show's life, and the console's part of it."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from creators.live import services
from creators.live.models import LiveSession
from creators.media.models import Caption, Stream, StreamKey
from creators.media.services import erase_stream, make_key
from tests.factories.creators import LiveSessionFactory

JSON = {"accept": "application/json"}


@pytest.fixture
def plan(bob, now):
    def show(**fields):
        return services.schedule_show(
            creator=bob.creator, title="Seen", scheduled_at=now, now=now, **fields
        )

    return show


@pytest.fixture
def host(client, bob):
    client.force_login(bob)
    return client


def _stream(session):
    return Stream.objects.get(session=session.pk)


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_only_a_public_shows_picture_is_for_all_and_only_on_air(plan, bob, now, visibility):
    session = plan(visibility=visibility)
    assert _stream(session).is_private
    services.start_show(piece_id=session.pk, by=bob, now=now)
    assert _stream(session).is_private is (visibility == "private")
    assert _stream(session).on_air_from == now
    services.end_show(piece_id=session.pk, by=bob, now=now + timedelta(minutes=9))
    assert _stream(session).on_air_until == _stream(session).closed_at != now


def test_who_may_watch_is_what_was_said_last_before_it_begins(plan, bob, now, monkeypatch):
    session = plan(visibility="public")

    def changed_meanwhile(session):
        LiveSession.objects.filter(pk=session.pk).update(visibility="private")

    monkeypatch.setattr("creators.live.services.shows.only_live", changed_meanwhile)
    services.start_show(piece_id=session.pk, by=bob, now=now)
    assert _stream(session).is_private


def test_a_cancelled_show_takes_no_picture(plan, bob, now):
    session = plan()
    services.cancel_show(piece_id=session.pk, by=bob, now=now)
    assert not _stream(session).is_open


def test_the_key_is_aimed_at_the_show_that_comes_on(plan, bob, now):
    make_key(creator=bob.creator, now=now)
    first, second = plan(), plan()
    key = StreamKey.objects.get()
    assert key.target_id == first.stream_id
    services.start_show(piece_id=second.pk, by=bob, now=now)
    key.refresh_from_db()
    assert key.target_id == second.stream_id
    services.end_show(piece_id=second.pk, by=bob, now=now)
    key.refresh_from_db()
    assert key.target_id == first.stream_id


def test_a_new_key_is_shown_once(host, plan):
    session = plan()
    answer = host.post(f"/live/{session.pk}/key/")
    key = StreamKey.objects.get()
    assert answer["Cache-Control"] == "no-store"
    shown = answer.context["new_key"]
    assert shown.endswith(key.hint)
    assert f'value="{shown}"' in answer.content.decode()
    text = host.get(f"/live/{session.pk}/console/").content.decode()
    assert shown not in text
    assert key.hint in text
    assert key.target_id == session.stream_id
    assert host.post(f"/live/{session.pk}/key/", headers=JSON).json()["key"] != shown


def test_the_console_has_both_ways_to_send(host, plan, settings):
    session = plan()
    text = host.get(f"/live/{session.pk}/console/").content.decode()
    assert settings.RTMP_URL in text
    assert f'data-address-url="/live/{session.pk}/camera/"' in text
    assert "data-player" in text
    answer = host.post(f"/live/{session.pk}/camera/", headers=JSON).json()
    assert answer["url"].startswith("ws")
    assert str(session.stream_id) in answer["url"]
    assert answer["max_kbps"] == settings.STREAM_MAX_KBPS


def test_the_console_says_what_was_wrong_and_since_when_the_picture_is_away(host, plan, now):
    session = plan()
    Stream.objects.update(lost_at=now, trouble_code="too_large", run=1)
    text = host.get(f"/live/{session.pk}/console/").content.decode()
    assert "too many pixels" in text
    assert f'data-lost="{round(now.timestamp() * 1000)}"' in text


def test_a_show_without_a_place_for_a_picture_gets_one(host, show):
    assert "no place for a picture" in host.get(f"/live/{show.pk}/console/").content.decode()
    host.post(f"/live/{show.pk}/key/aim/")
    stream = LiveSession.objects.get(pk=show.pk).stream
    assert stream.on_air_from is not None
    assert not stream.is_private


@pytest.mark.parametrize("name", ["rehearse", "key", "key/aim", "camera", "captions"])
def test_only_the_host_has_these(client, plan, alice, name):
    client.force_login(alice)
    session = plan()
    file = SimpleUploadedFile("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n")
    answer = client.post(
        f"/live/{session.pk}/{name}/", {"language": "en", "file": file}, headers=JSON
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_host")
    assert not StreamKey.objects.exists()


def test_captions_are_uploaded_for_the_replay(host, plan, bob, now):
    session = plan()
    services.start_show(piece_id=session.pk, by=bob, now=now)
    services.end_show(piece_id=session.pk, by=bob, now=now + timedelta(minutes=9))
    assert "Captions of the replay" in host.get(f"/live/{session.pk}/console/").content.decode()
    file = SimpleUploadedFile("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.500\nBuongiorno\n")
    host.post(f"/live/{session.pk}/captions/", {"language": "it", "file": file})
    caption = Caption.objects.get()
    assert (caption.language, caption.text) == ("it", "Buongiorno")
    assert caption.starts_at == now + timedelta(seconds=1)
    erase_stream(stream_id=session.stream_id, now=now)
    assert "Captions of the replay" not in host.get(f"/live/{session.pk}/console/").content.decode()
    with pytest.raises(services.WrongState):
        services.upload_captions(
            piece_id=session.pk, by=bob, language="it", vtt="WEBVTT\n", now=now
        )


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"no captions", "WEBVTT"), (b"WEBVTT\n\n\xff", "UTF-8"), (b"x" * 2_100_000, "too large")],
    ids=["other", "bytes", "large"],
)
def test_a_file_that_is_no_captions_is_refused_in_words(host, plan, bob, now, data, said):
    session = plan()
    services.start_show(piece_id=session.pk, by=bob, now=now)
    services.end_show(piece_id=session.pk, by=bob, now=now)
    fields = {"language": "en", "file": SimpleUploadedFile("a.vtt", data)}
    answer = host.post(f"/live/{session.pk}/captions/", fields, headers=JSON)
    assert answer.status_code == 400
    assert said in answer.json()["title"]


def test_a_pin_keeps_the_cheapest_price_of_its_time(show, product, bob, now):
    sku = product.skus.get()
    product.skus.create(
        code="cheap", options=["blue"], price_minor=sku.price_minor - 1, currency=sku.currency
    )
    pin = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert (pin.price_minor, pin.currency) == (sku.price_minor - 1, sku.currency)


def test_a_session_without_a_stream_ends_all_the_same(bob, now):
    session = LiveSessionFactory(piece__creator=bob.creator)
    assert services.end_show(piece_id=session.pk, by=bob, now=now).is_ended
