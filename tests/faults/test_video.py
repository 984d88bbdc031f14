"""Encoders vanish, the origin dies, strangers knock: the show goes on, and its recording is whole.

One origin serves all of them; each test has a stream of its own.
"""

import contextlib
import re
import socket
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from django.core.files.storage import FileSystemStorage

from creators.media import access, services
from creators.media.models import Segment, Stream
from creators.profiles.models import Creator
from tests.faults.encoder import Encoder, make_clip
from tests.faults.line import Line
from tests.servers import Site

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until(is_true, *, patience=15):
    deadline = time.monotonic() + patience
    while not (found := is_true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


class Broadcast:
    """A stream of bob's on an origin, and the encoders that send to it."""

    def __init__(self, site, clip, creator):
        self.site, self.clip, self.creator = site, clip, creator
        self.encoders = []
        now = datetime.now(UTC)
        self.stream = services.open_stream(creator=creator, is_private=False, now=now)
        self.key = services.make_key(creator=creator, now=now)
        services.aim_key(creator=creator, stream_id=self.stream.pk, now=now)

    def send(self, *, clip=None, key=None):
        url = f"rtmp://127.0.0.1:{self.site.rtmp_port}/live/{key or self.key}"
        encoder = Encoder(clip or self.clip).start(url)
        self.encoders.append(encoder)
        return encoder

    def playlist(self):
        url = f"{self.site.origin_url}/live/{self.stream.pk}/source/media.m3u8"
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(url)
            if answer.status_code == 200:
                return answer.text
        return ""

    def last_segment(self):
        names = [line for line in self.playlist().splitlines() if line.startswith("s")]
        return int(names[-1][1:-4]) if names else -1

    def wait_for_segment(self, number):
        return wait_until(lambda: self.last_segment() >= number)

    def health(self):
        signed = access.sign(
            self.stream.pk, purpose="host", until=datetime.now(UTC) + timedelta(minutes=5)
        )
        return httpx.get(
            f"{self.site.origin_url}/live/{self.stream.pk}/{signed}/health.json"
        ).json()

    def row(self):
        return Stream.objects.get(pk=self.stream.pk)

    def on_air(self):
        services.go_on_air(stream_id=self.stream.pk, now=datetime.now(UTC))

    def end(self):
        services.go_off_air(stream_id=self.stream.pk, now=datetime.now(UTC))
        wait_until(lambda: "#EXT-X-ENDLIST" in self.playlist())

    def last_on_air(self):
        """Return the number of the last segment that began before the end."""
        dates = re.findall(r"DATE-TIME:(\S+)\n(?:#.*\n)*s(\d+)\.m4s", self.playlist())
        until = self.row().on_air_until
        return max(int(number) for date, number in dates if datetime.fromisoformat(date) < until)

    def recorded(self):
        return list(Segment.objects.filter(stream=self.stream).order_by("first"))

    def is_whole(self, storage, last):
        numbers = self.recorded_numbers(storage)
        return numbers and numbers == list(range(numbers[0], last + 1)) and numbers

    def recorded_numbers(self, storage):
        """Return the live segments that are stored, by the names of the files that are there."""
        numbers = []
        for one in self.recorded():
            assert storage.size(one.name) == one.size_bytes
            assert storage.exists(one.init_name)
            run, first, last = one.name.rpartition("/")[2].removesuffix(".m4s").split("-")
            assert (int(run), int(first)) == (one.run, one.first)
            numbers += range(int(first), int(last) + 1)
        return numbers

    def stop(self):
        for encoder in self.encoders:
            encoder.stop()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.flv")


@pytest.fixture(scope="module")
def line(django_db_setup):
    """What leads from the origin to the database."""
    with tempfile.TemporaryDirectory() as folder:
        line = Line(Path(folder)).mend()
        yield line
        line.cut()


@pytest.fixture(scope="module")
def origin(tmp_path_factory, line):
    site = Site(logs=tmp_path_factory.mktemp("origin"), settings={"DATABASE_URL": line.url})
    try:
        yield site.start("origin")
    finally:
        site.stop()


@pytest.fixture
def storage(origin):
    return FileSystemStorage(origin.logs / "recordings")


@pytest.fixture
def broadcast(origin, clip, bob):
    broadcast = Broadcast(origin, clip, Creator.objects.get(user=bob))
    yield broadcast
    broadcast.stop()
    # The origin lets go of it before its row is gone.
    services.go_off_air(stream_id=broadcast.stream.pk, now=datetime.now(UTC))
    wait_until(lambda: not broadcast.row().is_receiving)


def test_an_encoder_dies_and_the_origin_dies_and_the_recording_is_whole(broadcast, storage):
    first = broadcast.send()
    broadcast.wait_for_segment(0)
    broadcast.on_air()
    on_air = broadcast.last_segment()
    broadcast.wait_for_segment(on_air + 2)
    first.stop()
    wait_until(lambda: broadcast.row().lost_at)
    assert not broadcast.row().is_receiving
    before = broadcast.last_segment()

    broadcast.send()
    broadcast.wait_for_segment(before + 2)
    assert broadcast.row().run == 2
    assert broadcast.row().is_receiving
    assert "#EXT-X-DISCONTINUITY\n" in broadcast.playlist()
    assert 'URI="init-2.mp4"' in broadcast.playlist()

    before = broadcast.last_segment()
    broadcast.site.kill("origin")
    broadcast.site.start("origin")
    third = broadcast.send()
    broadcast.wait_for_segment(before + 2)
    assert broadcast.row().run == 3
    assert not third.has_ended
    broadcast.end()
    last = broadcast.last_on_air()

    numbers = wait_until(lambda: broadcast.is_whole(storage, last))
    assert numbers[0] <= on_air + 1
    assert {one.run for one in broadcast.recorded()} == {1, 2, 3}


def test_strangers_second_publishers_and_garbage_change_nothing(broadcast):
    broadcast.send()
    broadcast.wait_for_segment(0)

    stranger = broadcast.send(key="nobodyhasthiskeyatall")
    wait_until(lambda: stranger.has_ended)
    assert "stream key is not valid" in stranger.stop()

    second = broadcast.send()
    wait_until(lambda: second.has_ended)
    assert "already coming in" in second.stop()
    wait_until(lambda: broadcast.row().trouble_code == "already_publishing")

    with socket.create_connection(("127.0.0.1", broadcast.site.rtmp_port)) as garbage:
        with contextlib.suppress(OSError):
            garbage.sendall(b"\xff" * 20_000)
        garbage.settimeout(8)
        with contextlib.suppress(ConnectionError):
            while garbage.recv(4096):
                pass

    before = broadcast.last_segment()
    broadcast.wait_for_segment(before + 1)
    assert broadcast.row().run == 1

    services.make_key(creator=broadcast.creator, now=datetime.now(UTC))
    first = broadcast.encoders[0]
    wait_until(lambda: first.has_ended, patience=6)
    assert "stream key was changed" in first.stop()
    wait_until(lambda: broadcast.row().trouble_code == "key_changed")
    assert not broadcast.row().is_receiving


def test_a_picture_that_is_too_large_is_refused_with_words(broadcast, tmp_path):
    huge = make_clip(tmp_path / "8k.flv", source="color", size="7680x4320", fps=1, seconds=1)
    encoder = broadcast.send(clip=huge)
    wait_until(lambda: encoder.has_ended)
    assert "too many pixels" in encoder.stop()
    wait_until(lambda: broadcast.row().trouble_code == "too_large")
    assert broadcast.playlist() == ""


@pytest.mark.campaign
def test_without_its_database_the_picture_goes_on_and_is_recorded_later(broadcast, line, storage):
    broadcast.send()
    broadcast.wait_for_segment(0)
    broadcast.on_air()
    before = broadcast.last_segment()
    broadcast.wait_for_segment(before + 2)
    line.cut()
    status = f"{broadcast.site.origin_url}/healthz"
    wait_until(lambda: httpx.get(status).json()["database"] == "away")
    broadcast.wait_for_segment(before + 15)
    second = broadcast.send()
    wait_until(lambda: second.has_ended)
    assert "can't be taken in at the moment" in second.stop()
    assert not broadcast.encoders[0].has_ended
    line.mend()
    wait_until(lambda: httpx.get(status).json()["database"] == "ok", patience=20)
    assert broadcast.row().run == 1
    broadcast.end()
    last = broadcast.last_on_air()
    numbers = wait_until(lambda: broadcast.is_whole(storage, last))
    assert numbers[0] <= before + 1


@pytest.mark.campaign
def test_a_disk_that_takes_nothing_stops_no_picture_and_its_return_makes_it_whole(
    broadcast, storage
):
    stream_id = str(broadcast.stream.pk)
    # A file where the folder should be: every write fails, as on a full disk, also for root.
    in_the_way = [broadcast.site.logs / name / stream_id for name in ("origin", "recordings")]
    for path in in_the_way:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    broadcast.send()
    broadcast.on_air()
    broadcast.wait_for_segment(12)
    health = broadcast.health()
    assert health["state"] == "on"
    assert health["recording"] == "failing"
    assert health["disk"] != "ok"
    assert broadcast.recorded() == []
    for path in in_the_way:
        path.unlink()
    wait_until(lambda: broadcast.recorded())
    wait_until(lambda: broadcast.health()["disk"] == "ok")
    broadcast.end()
    last = broadcast.last_on_air()
    numbers = wait_until(lambda: broadcast.is_whole(storage, last))
    assert numbers[0] == 0


@pytest.mark.campaign
def test_an_encoder_that_is_away_for_half_a_minute_comes_back_to_the_same_stream(
    broadcast, storage
):
    broadcast.send()
    broadcast.wait_for_segment(0)
    broadcast.on_air()
    broadcast.wait_for_segment(broadcast.last_segment() + 3)
    broadcast.encoders[0].stop()
    wait_until(lambda: broadcast.row().lost_at)
    time.sleep(30)
    before = broadcast.last_segment()
    assert "#EXT-X-ENDLIST" not in broadcast.playlist()
    broadcast.send()
    broadcast.wait_for_segment(before + 3)
    assert broadcast.row().run == 2
    broadcast.end()
    last = broadcast.last_on_air()
    wait_until(lambda: broadcast.is_whole(storage, last))
    gap = [one.starts_at - before.ends_at for before, one in pairwise(broadcast.recorded())]
    assert max(gap) > timedelta(seconds=29)
