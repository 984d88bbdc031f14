"""Covers: an uploaded picture becomes a WebP of ours; what else was in the file stays behind."""

import warnings
from io import BytesIO
from typing import Any, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, UnidentifiedImageError

from shops.facts.refused import Invalid

LARGEST_FILE: Final = 8 * 1024 * 1024
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 1280
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


class BadCover(Invalid):
    code = "bad_cover"
    message = _("That is not a picture that can be a cover: choose a JPEG, PNG or WebP file.")


class CoverTooLarge(BadCover):
    code = "cover_too_large"
    message = _("That picture is too large: 8 MB and 40 megapixels at most.")


def cover_from(upload: "UploadedFile[Any]") -> "ContentFile[bytes]":
    """Make a WebP of at most 1280 pixels a side, upright, without metadata.

    :raises BadCover: it is no JPEG, PNG or WebP, or a broken one
    :raises CoverTooLarge: more than 8 MB, or more than 40 megapixels
    """
    if upload.size is None or upload.size > LARGEST_FILE:
        raise CoverTooLarge
    try:
        # Pillow only warns of what is large, and the size is judged here before any pixel is read.
        # What it says of broken notes in the file is of no use to anybody.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(upload, formats=_FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise CoverTooLarge
                # JPEGs are decoded at a fraction of their size.
                picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
                picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                kept = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
                if turn is not None:
                    kept = kept.transpose(turn)
    except Image.DecompressionBombError:
        raise CoverTooLarge from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise BadCover from None
    # Pixels only: nothing of the file's own tags is written anew.
    kept.info.clear()
    written = BytesIO()
    kept.save(written, "WEBP", quality=_QUALITY, method=4)
    return ContentFile(written.getvalue(), name=f"{uuid4().hex}.webp")
