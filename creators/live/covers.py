"""Covers: an uploaded picture becomes a WebP of ours; what else was in the file stays behind."""

from typing import Any, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from shops.facts import pictures
from shops.facts.refused import Invalid

LARGEST_FILE: Final = pictures.LARGEST_FILE
LONGEST_SIDE: Final = 1280


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
    try:
        picture = pictures.picture_from(upload, longest_side=LONGEST_SIDE)
    except pictures.PictureTooLarge:
        raise CoverTooLarge from None
    except pictures.BadPicture:
        raise BadCover from None
    return ContentFile(picture.webp, name=f"{uuid4().hex}.webp")
