"""Covers: what is uploaded becomes a WebP of ours, or is refused; and they are served."""

import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from creators.live import services
from creators.live.covers import LARGEST_FILE, BadCover, CoverTooLarge, cover_from
from creators.live.models import LiveSession


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def _upload(kind="PNG", size=(64, 48), mode="RGB", **saving):
    written = BytesIO()
    Image.new(mode, size, "red").save(written, kind, **saving)
    return SimpleUploadedFile("photo.png", written.getvalue())


def _open(content):
    content.seek(0)
    return Image.open(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_a_webp(kind):
    kept = cover_from(_upload(kind))
    assert _open(kept).format == "WEBP"
    assert kept.name.endswith(".webp")


def test_a_large_one_is_made_smaller_in_its_shape():
    assert _open(cover_from(_upload(size=(3000, 1500)))).size == (1280, 640)


def test_it_is_upright_and_has_no_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010E] = "Where I live"
    kept = _open(cover_from(_upload("JPEG", size=(64, 32), exif=exif.tobytes())))
    assert kept.size == (32, 64)
    assert not kept.getexif()


def test_broken_notes_of_a_camera_do_not_spoil_the_picture():
    exif = Image.Exif()
    exif[0x0100] = 5  # the width
    exif[0x0112] = 6
    broken = exif.tobytes().replace(b"\x01\x00\x00\x04", b"\x01\x00\x00\x02")  # as a text
    kept = _open(cover_from(_upload("JPEG", size=(64, 32), exif=broken)))
    assert kept.size == (32, 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n" + b"x" * 99,
    ],
    ids=["empty", "gif", "svg", "broken"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(BadCover):
        cover_from(SimpleUploadedFile("cover.png", data))


def test_a_half_picture_is_refused():
    whole = _upload("JPEG", size=(400, 400)).read()
    with pytest.raises(BadCover):
        cover_from(SimpleUploadedFile("cover.jpg", whole[: len(whole) // 2]))


def test_what_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(CoverTooLarge):
        cover_from(SimpleUploadedFile("cover.png", b"x" * (LARGEST_FILE + 1)))


@pytest.mark.parametrize("size", [(8_000, 6_000), (60_000, 60_000)])
def test_a_small_file_of_many_pixels_is_refused_before_they_are_made(size):
    head = struct.pack(">II5B", *size, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", b""), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    with pytest.raises(CoverTooLarge):
        cover_from(SimpleUploadedFile("cover.png", data))


def _plan(client, **fields):
    form = {"title": "With a face", "planned_minutes": 60, "language": "it", **fields}
    return client.post("/creator/shows/new/", form)


def test_a_cover_is_uploaded_shown_and_served(client, bob):
    client.force_login(bob)
    _plan(client, cover=_upload(size=(640, 800)), visibility="public")
    show = LiveSession.objects.get()
    assert (show.piece.language, show.visibility) == ("it", "public")
    for page in ("/creators/bob/", f"/live/{show.pk}/"):
        assert show.cover_url in client.get(page).content.decode()
    answer = client.get(show.cover_url)
    assert answer["Content-Type"] == "image/webp"
    assert "immutable" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content)[8:12] == b"WEBP"


def test_a_bad_cover_is_told_beside_its_field(client, bob):
    client.force_login(bob)
    answer = _plan(client, cover=SimpleUploadedFile("cover.png", b"no picture"))
    assert "choose a JPEG, PNG or WebP file" in answer.content.decode()
    assert not LiveSession.objects.exists()


@pytest.mark.parametrize(
    "name", ["covers/none.webp", "../settings.py", "../x.webp", "covers/page.html"]
)
def test_nothing_else_is_served(client, db, name):
    assert client.get(f"/media/{name}").status_code == 404


def test_a_new_cover_takes_the_place_of_the_old(bob, now, django_capture_on_commit_callbacks):
    show = services.schedule_show(
        creator=bob.creator, title="x", scheduled_at=now, cover=_upload(), now=now
    )
    before = show.cover.name
    same = {
        "piece_id": show.pk,
        "by": bob,
        "title": "x",
        "scheduled_at": now,
        "planned_minutes": 60,
        "category_id": None,
        "language": "en",
        "visibility": "public",
        "now": now,
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert services.change_show(**same).cover.name == before
    assert default_storage.exists(before)
    with django_capture_on_commit_callbacks(execute=True):
        services.change_show(**same, drop_cover=True)
    assert not LiveSession.objects.get().cover
    assert not default_storage.exists(before)
