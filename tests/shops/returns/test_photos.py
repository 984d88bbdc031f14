"""Photos are written anew or refused, and nobody sees them but those concerned."""

import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from shops.facts.pictures import LARGEST_FILE, BadPicture, PictureTooLarge, picture_from
from shops.returns.models import ReturnPhoto
from shops.returns.photos import MOST_PHOTOS, TooManyPhotos, pictures_from, storage
from tests.factories.returns import ask, photo

_GPS = 0x8825


def _file(content, name="photo.jpg"):
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def _bomb():
    """A PNG of a few bytes that says it has a thousand million pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 50_000, 20_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def _with_gps():
    exif = Image.Exif()
    exif.get_ifd(_GPS).update({1: "N", 2: (41.0, 54.0, 0.0), 3: "E", 4: (12.0, 29.0, 0.0)})
    exif[_GPS] = exif.get_ifd(_GPS)
    exif[0x010F] = "ACME phone"
    return photo(exif=exif.tobytes())


def test_where_it_was_taken_is_removed():
    upload = _with_gps()
    with Image.open(upload) as before:
        assert before.getexif().get_ifd(_GPS)
    upload.seek(0)
    kept = picture_from(upload, longest_side=1600)
    assert b"ACME" not in kept.webp
    assert b"EXIF" not in kept.webp
    assert kept.webp[8:12] == b"WEBP"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"%PDF-1.4 not a picture",
        b"",
        b"\xff\xd8\xff\xe0",
        photo().read()[:300],
        photo("PNG", size=(300, 300)).read()[:-40],
    ],
    ids=["svg", "html", "gif", "pdf", "empty", "only-a-head", "cut-jpeg", "cut-png"],
)
def test_what_only_says_that_it_is_a_picture_is_refused(content):
    with pytest.raises(BadPicture):
        picture_from(_file(content), longest_side=1600)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_picture_whose_notes_break_off_is_a_picture(form):
    kept = picture_from(photo(form, exif=b"Exif\0\0II*\0"), longest_side=1600)
    assert (kept.width, kept.height) == (64, 48)


def test_a_bomb_is_refused_by_its_size_before_its_pixels_are_read(monkeypatch):
    monkeypatch.setattr(Image.Image, "thumbnail", lambda *_: pytest.fail("its pixels were read"))
    with pytest.raises(PictureTooLarge):
        picture_from(_file(_bomb(), "small.png"), longest_side=1600)


def test_more_than_eight_megabytes_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    upload = photo()
    upload.size = LARGEST_FILE + 1
    with pytest.raises(PictureTooLarge):
        picture_from(upload, longest_side=1600)


def test_six_at_most_and_the_seventh_costs_nothing(monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("one was opened"))
    with pytest.raises(TooManyPhotos):
        pictures_from([photo() for _ in range(MOST_PHOTOS + 1)])


@pytest.mark.django_db
class TestWhoSeesThem:
    @pytest.fixture
    def kept(self, order, now):
        case = ask(order, photos=pictures_from([photo()]), now=now)
        return case.photos.get()

    def _answer(self, client, user, kept):
        client.force_login(user)
        return client.get(reverse("returns:photo", args=[kept.pk]))

    @pytest.mark.parametrize("who", ["alice", "carol", "olga"])
    def test_the_buyer_the_shop_and_operators(self, request, client, kept, who):
        answer = self._answer(client, request.getfixturevalue(who), kept)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        assert answer["Cache-Control"].startswith("private")
        assert b"".join(answer.streaming_content)[8:12] == b"WEBP"

    @pytest.mark.parametrize("who", ["erin", "bob"])
    def test_nobody_else(self, request, client, kept, who):
        assert self._answer(client, request.getfixturevalue(who), kept).status_code == 404

    def test_nobody_who_is_not_signed_in(self, client, kept):
        answer = client.get(reverse("returns:photo", args=[kept.pk]))
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")

    def test_nothing_else_serves_them(self, client, kept, alice):
        client.force_login(alice)
        assert client.get(f"/media/{kept.name}").status_code == 404
        assert str(kept.pk) not in kept.name

    def test_not_even_their_name_leads_out_of_the_storage(self, client, kept, alice):
        ReturnPhoto.objects.update(name="gone.webp")
        assert self._answer(client, alice, kept).status_code == 404

    def test_they_lie_where_they_are_told_to(self, kept):
        assert storage().exists(kept.name)
