import subprocess
from datetime import timedelta
from io import BytesIO

import imageio_ffmpeg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from PIL import Image

from creators.audience.models import ProductClick
from creators.audience.services import record_click
from creators.live.models import Clip, Pin, Replay
from creators.live.replays import illustrating, pictures, queries, services
from tests.factories.catalog import ProductFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory, PinFactory
from tests.factories.films import cut_up
from tests.factories.media import SegmentFactory, StreamFactory


@pytest.fixture
def clicks(recorded, at):
    """clicks(pin, 3) has three viewers open its product while it is pinned."""

    def click(pin, number, seconds=1.0):
        for viewer in range(number):
            record_click(
                piece_id=recorded.pk,
                product_id=pin.product_id,
                viewer=f"a:{pin.pk}-{viewer}",
                now=pin.pinned_at + timedelta(seconds=seconds),
            )

    return click


@pytest.fixture
def pins(recorded):
    return list(Pin.objects.filter(session=recorded).order_by("pinned_at"))


def _cuts(session, replay):
    return illustrating.choose_cuts(session, queries.of_replay(replay))


def test_clips_are_around_the_pins_that_were_clicked_most(replay, recorded, pins, clicks):
    clicks(pins[0], 1)
    clicks(pins[1], 3)
    found = [(cut.pin, cut.clicks, cut.starts, cut.ends) for cut in _cuts(recorded, replay)]
    # The second one's 22 s are within its run, which begins at 30 s of the playlist.
    assert found == [(pins[1], 3, 30_000, 50_000), (pins[0], 1, 1_000, 23_000)]


def test_a_pin_that_nobody_cared_for_is_no_clip(replay, recorded, pins, clicks):
    clicks(pins[0], 2)
    # Opened, but long after it was on show.
    clicks(pins[1], 2, seconds=600)
    assert [cut.pin for cut in _cuts(recorded, replay)] == [pins[0]]


def test_sales_decide_when_nobody_clicked(replay, recorded, pins, monkeypatch):
    monkeypatch.setattr(
        illustrating, "_sold_by_pin", lambda session: {pins[0].pk: 0, pins[1].pk: 2}
    )
    assert [cut.pin for cut in _cuts(recorded, replay)] == [pins[1]]


def test_clips_do_not_overlap_and_show_a_product_once(
    replay, recorded, pins, clicks, product, other_product, shop, at
):
    hat = ProductFactory(shop=shop, title="Hat")
    PieceProductFactory(piece=recorded.piece, product=hat, position=3)
    pins[1].delete()
    again = PinFactory(session=recorded, product=product, pinned_at=at(41), unpinned_at=at(50))
    near = PinFactory(session=recorded, product=other_product, pinned_at=at(8), unpinned_at=at(9))
    nearer = PinFactory(session=recorded, product=hat, pinned_at=at(12), unpinned_at=at(13))
    for pin, number in ((pins[0], 3), (again, 4), (near, 2), (nearer, 1)):
        clicks(pin, number, seconds=0.5)
    assert [cut.pin for cut in _cuts(recorded, replay)] == [again, near]


def test_a_pin_outside_of_a_trimmed_replay_is_no_clip(replay, recorded, pins, clicks, bob):
    clicks(pins[0], 2)
    trimmed = services.trim_replay(piece_id=recorded.pk, starts=30_000, ends=50_000, by=bob)
    assert _cuts(recorded, trimmed) == []


def test_moments_are_of_the_clips_first_and_all_within_the_replay(replay, recorded, pins, clicks):
    clicks(pins[0], 1)
    shown = queries.of_replay(replay)
    moments = illustrating.choose_moments(_cuts(recorded, replay), shown)
    assert len(moments) == 4
    assert moments[0] == 8_000
    assert all(shown.starts <= moment < shown.ends for moment in moments)


@pytest.fixture
def stores(settings, tmp_path):
    """Storages of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "recordings", "base_url": "/recordings/"},
        },
    }


@pytest.fixture
def filmed(stores, tmp_path, bob, product, at, now):
    """A replay of 3 s, filmed by ffmpeg: a segment for each second; one pin, clicked twice."""
    whole = tmp_path / "whole.mp4"
    making = "-v error -f lavfi -i testsrc2=s=192x108:r=10 -f lavfi -i sine -t 3 -c:v libx264"
    making += " -preset ultrafast -pix_fmt yuv420p -g 10 -c:a aac -b:a 32k -output_ts_offset 50"
    making += " -movflags empty_moov+default_base_moof+frag_keyframe"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), *making.split(), str(whole)], check=True, timeout=30
    )
    init, segments = cut_up(whole.read_bytes())
    stream = StreamFactory(creator=bob.creator, lost_at=at(3))
    session = LiveSessionFactory(
        piece__creator=bob.creator,
        state="ended",
        started_at=at(0),
        ended_at=at(3),
        stream=stream,
    )
    storages["recordings"].save(f"{stream.pk}/init-1.mp4", ContentFile(init))
    for number, data in enumerate(segments):
        segment = SegmentFactory(
            stream=stream, first=number, starts_at=at(number), duration_ms=1000
        )
        storages["recordings"].save(segment.name, ContentFile(data))
    PieceProductFactory(piece=session.piece, product=product, position=1)
    PinFactory(session=session, product=product, pinned_at=at(1), unpinned_at=at(3))
    for viewer in ("a:1", "a:2"):
        record_click(piece_id=session.pk, product_id=product.pk, viewer=viewer, now=at(2))
    return services.make_replay(piece_id=session.pk, now=now)


def _bytes(name):
    with default_storage.open(name) as file:
        return file.read()


def test_a_clip_ends_with_its_run_not_after_the_pause(
    stores, replay, recorded, pins, clicks, at, now, monkeypatch
):
    clicks(pins[0], 1)
    pins[0].pinned_at = at(20)
    pins[0].unpinned_at = at(29)
    pins[0].save()
    monkeypatch.setattr(pictures, "clip", lambda source, *, to, **where: to.write_bytes(b"clip"))
    monkeypatch.setattr(pictures, "still", lambda source, *, to, **where: to.write_bytes(b"still"))
    monkeypatch.setattr(pictures, "frames", lambda *source, **where: 1)
    monkeypatch.setattr(pictures, "preview", lambda source, *, to: to.write_bytes(b"webp"))
    for segment in recorded.stream.segments.all():
        for name in (segment.name, segment.init_name):
            if not storages["recordings"].exists(name):
                storages["recordings"].save(name, ContentFile(b"x"))
    ProductClick.objects.update(at=at(21))
    illustrating.illustrate(piece_id=recorded.pk, now=now)
    clip = Clip.objects.get()
    assert (clip.starts_at, clip.ends_at) == (at(8), at(30))


def test_a_replay_gets_a_still_a_moving_preview_and_a_clip_that_plays(filmed, now):
    assert len(queries.of_replay(filmed).segments) == 3
    illustrating.illustrate(piece_id=filmed.session_id, now=now)
    filmed.refresh_from_db()
    with Image.open(BytesIO(_bytes(filmed.still))) as still:
        assert (still.format, still.size) == ("JPEG", (192, 108))
    moving = _bytes(filmed.preview)
    assert len(moving) <= pictures.LARGEST_PREVIEW
    with Image.open(BytesIO(moving)) as preview:
        assert preview.format == "WEBP"
        assert preview.n_frames > 8
        assert preview.width * 5 == pytest.approx(preview.height * 4, rel=0.03)
    clip = Clip.objects.get()
    assert clip.clicks == 2
    data = _bytes(clip.video)
    # It plays while it loads: what says where all is comes before the pictures.
    assert data[4:8] == b"ftyp"
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    source = imageio_ffmpeg.read_frames(default_storage.path(clip.video))
    assert next(source)["duration"] == pytest.approx(3, abs=0.4)
    source.close()
    # What is there is not made again.
    illustrating.illustrate(piece_id=filmed.session_id, now=now)
    assert Replay.objects.get().still == filmed.still
    assert Clip.objects.get() == clip
    # A segment that lost its file: the rest of the work is done, and it is tried again.
    Replay.objects.update(still="")
    name = filmed.session.stream.segments.order_by("first").last().name
    storages["recordings"].delete(name)
    with pytest.raises(illustrating.Unfinished, match="still"):
        illustrating.illustrate(piece_id=filmed.session_id, now=now)
    assert Replay.objects.get().preview == filmed.preview
