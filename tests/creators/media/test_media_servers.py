"""Another media server asks who may publish and read, in its own words."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from creators.media import access, services
from creators.media.models import Stream
from shops.facts.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(bob, now, settings):
    settings.PLAYBACK_URL = "https://video.example/live/{stream}/index.m3u8"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    return services.open_stream(creator=bob.creator, is_private=True, now=now)


@pytest.fixture
def key(stream, bob, now):
    return services.make_key(creator=bob.creator, now=now)


@pytest.fixture
def mediamtx(client, stream):
    def ask(action, path, query="", *, to="auth"):
        words = {"user": "", "password": "", "ip": "192.0.2.9", "action": action, "path": path}
        words |= {"protocol": "rtmp", "id": None, "query": query}
        return client.post(
            f"/media/{to}/", json.dumps(words), content_type="application/json"
        ).status_code

    return ask


def test_mediamtx_lets_in_who_has_the_key_of_that_stream(mediamtx, stream, key, bob, now):
    assert mediamtx("publish", f"live/{stream.pk}", f"key={key}") == 204
    assert mediamtx("publish", f"live/{key}") == 204
    assert mediamtx("publish", f"live/{stream.pk}", "key=wrong") == 401
    assert mediamtx("publish", f"live/{stream.pk}") == 401
    other = services.open_stream(creator=bob.creator, is_private=True, now=now)
    assert mediamtx("publish", f"live/{other.pk}", f"key={key}") == 401
    assert mediamtx("api", f"live/{stream.pk}", f"key={key}") == 401
    services.go_off_air(stream_id=stream.pk, now=now)
    assert mediamtx("publish", f"live/{stream.pk}", f"key={key}") == 401


def test_the_show_has_a_picture_until_the_server_says_it_is_gone(mediamtx, stream, key):
    mediamtx("publish", f"live/{stream.pk}", f"key={key}")
    stream.refresh_from_db()
    assert (stream.is_receiving, stream.source, stream.run) == (True, "server", 1)
    # Nobody says that it is seen, as an origin of ours would.
    services.close_lost(now=datetime.now(UTC) + timedelta(hours=1))
    assert Stream.objects.get(pk=stream.pk).is_receiving
    assert mediamtx("", f"live/{stream.pk}", "key=wrong", to="gone") == 401
    assert mediamtx("", f"live/{stream.pk}", f"key={key}", to="gone") == 204
    assert not Stream.objects.get(pk=stream.pk).is_receiving
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["PictureStarted", "PictureLost"]


def test_what_no_media_server_would_say_is_refused(client, mediamtx, stream):
    soon = round(datetime.now(UTC).timestamp()) + 60
    assert mediamtx("read", f"live/{stream.pk}", f"token=~{soon}.\ud800") == 401
    deep = client.post("/media/auth/", "[" * 100_000, content_type="application/json")
    assert deep.status_code == 400


def test_private_streams_are_read_with_a_token(mediamtx, stream, now):
    token = access.sign(stream.pk, purpose="watch", until=now + timedelta(minutes=5))
    assert mediamtx("read", f"live/{stream.pk}") == 401
    assert mediamtx("read", f"live/{stream.pk}", f"token={token}") == 204
    services.set_privacy(stream_id=stream.pk, is_private=False, now=now)
    assert mediamtx("read", f"live/{stream.pk}") == 204
    assert mediamtx("read", "live/nothing") == 401


def test_nginx_publishes_under_the_streams_id_instead_of_the_key(client, stream, key):
    form = {"call": "publish", "app": "live", "addr": "192.0.2.9", "clientid": "1"}
    answer = client.post("/media/auth/", {**form, "name": key})
    assert (answer.status_code, answer["Location"]) == (302, str(stream.pk))
    answer = client.post("/media/auth/", {**form, "name": str(stream.pk), "key": key})
    assert answer.status_code == 204
    assert client.post("/media/auth/", {**form, "name": "wrong"}).status_code == 401
    done = {**form, "call": "publish_done", "name": key}
    assert client.post("/media/gone/", done).status_code == 204
    assert not Stream.objects.get(pk=stream.pk).is_receiving


def test_who_tries_many_keys_has_to_wait(mediamtx, stream, key):
    answers = [mediamtx("publish", f"live/{number}") for number in range(25)]
    assert answers == [401] * 20 + [429] * 5
    assert mediamtx("publish", f"live/{key}") == 429


def test_without_another_server_there_is_no_door(client, stream, key, settings):
    settings.PLAYBACK_URL = ""
    for name in ("auth", "gone"):
        assert client.post(f"/media/{name}/", {"call": "publish", "name": key}).status_code == 404


@pytest.mark.parametrize("body", ["[]", "{", "\udcff"])
def test_what_is_not_understood_is_refused(client, stream, body):
    answer = client.post(
        "/media/auth/", body.encode(errors="surrogateescape"), content_type="application/json"
    )
    assert answer.status_code == 400
    assert client.post("/media/auth/").status_code == 401
    assert client.get("/media/auth/").status_code == 405
