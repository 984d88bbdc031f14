"""The recording of the demo's finished show: drawn once, kept like any other, with its replay."""

import subprocess
from datetime import timedelta
from pathlib import Path

import imageio_ffmpeg
import pytest
from django.core.files.storage import storages
from PIL import Image

from creators.live import services as live
from creators.media.models import Segment
from liveshop.demo import clock
from liveshop.demo.recording import record, waiting_shows
from liveshop.demo.shows import PAST
from tests.factories.catalog import ProductFactory, SkuFactory

pytestmark = pytest.mark.django_db
SECONDS = 8


@pytest.fixture
def played(bob, shop, now):
    """One of the shows that are to have a recording, but it was a short one."""
    product = SkuFactory(product=ProductFactory(shop=shop, title="Blue lamp"), options=[]).product
    began = now - timedelta(days=1)
    session = live.schedule_show(
        creator=bob.creator,
        title=next(script.title for script in PAST if script.seconds),
        scheduled_at=began,
        product_ids=[product.pk],
        now=began,
    )
    live.start_show(piece_id=session.pk, by=bob, now=began)
    live.pin(piece_id=session.pk, product_id=product.pk, by=bob, now=began)
    live.end_show(piece_id=session.pk, by=bob, now=began + timedelta(seconds=SECONDS))
    return session


@pytest.fixture
def storage(settings, tmp_path):
    found = {**settings.STORAGES["recordings"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "recordings": found}
    return storages["recordings"]


def _first_light(data):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-frames:v", "1"]
    command += ["-f", "rawvideo", "-pix_fmt", "gray", "-"]
    light = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return Image.frombytes("L", (540, 960), light)


def test_it_is_kept_in_segments_whose_pictures_tell_their_time(played, storage):
    (session,) = waiting_shows()
    began = session.stream.on_air_from

    assert record(session) == 2
    segments = list(Segment.objects.order_by("first"))
    # AAC begins a little earlier than what it carries.
    lengths = [segment.duration_ms for segment in segments]
    assert lengths == [pytest.approx(6000, abs=30), pytest.approx(2000, abs=30)]
    assert segments[0].starts_at == began
    assert abs(segments[1].starts_at - segments[0].ends_at) < timedelta(milliseconds=2)
    for segment in segments:
        names = (segment.init_name, segment.name)
        data = b"".join(Path(storage.path(name)).read_bytes() for name in names)
        drawn_at = segment.starts_at.timestamp() * 1000
        assert clock.read(_first_light(data), near=round(drawn_at)) == pytest.approx(
            drawn_at, abs=30
        )
    assert waiting_shows() == []
