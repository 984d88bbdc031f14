"""Uploaded pictures become a WebP of ours; what else was in the file stays behind."""

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, UnidentifiedImageError

from shops.facts.refused import Invalid

LARGEST_FILE: Final = 8 * 1024 * 1024
MOST_PIXELS: Final = 40_000_000
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITY: Final = 82
_T = Image.Transpose
# What the camera's note of how it was held asks for; Pillow's own way writes all notes anew, and
# fails where one of them is broken.
_TURNS: Final = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_270,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """The bytes of a WebP, and its size in pixels."""

    webp: bytes
    width: int
    height: int


class BadPicture(Invalid):
    code = "bad_picture"
    message = _("That is not a picture: choose a JPEG, PNG or WebP file.")


class PictureTooLarge(BadPicture):
    code = "picture_too_large"
    message = _("That picture is too large: 8 MB and 40 megapixels at most.")


def picture_from(upload: "UploadedFile[Any]", *, longest_side: int) -> Picture:
    """Make a WebP of at most `longest_side` pixels a side, upright, without metadata.

    :raises BadPicture: it is no JPEG, PNG or WebP, or a broken one
    :raises PictureTooLarge: more than 8 MB, or more than 40 megapixels
    """
    if upload.size is None or upload.size > LARGEST_FILE:
        raise PictureTooLarge
    try:
        # Pillow only warns of what is large, and the size is judged here before any pixel is read.
        # What it says of broken notes in the file is of no use to anybody.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(upload, formats=_FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise PictureTooLarge
                # JPEGs are decoded at a fraction of their size.
                picture.draft("RGB", (longest_side, longest_side))
                turn = _turn(picture)
                picture.thumbnail((longest_side, longest_side))
                kept = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
                if turn is not None:
                    kept = kept.transpose(turn)
    except Image.DecompressionBombError:
        raise PictureTooLarge from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise BadPicture from None
    # Pixels only: nothing of the file's own tags is written anew.
    kept.info.clear()
    written = BytesIO()
    kept.save(written, "WEBP", quality=_QUALITY, method=4)
    return Picture(webp=written.getvalue(), width=kept.width, height=kept.height)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """Tell how to turn a picture upright; where its notes break off, it stays as it is."""
    try:
        return _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except struct.error:
        return None
