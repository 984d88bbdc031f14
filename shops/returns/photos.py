"""Photos of returned goods: written anew, kept apart, and shown to nobody but those concerned."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.pictures import Picture, picture_from
from shops.facts.refused import Refused
from shops.returns.models import Return, ReturnPhoto
from shops.returns.states import Side

MOST_PHOTOS: Final = 6
LONGEST_SIDE: Final = 1600


class TooManyPhotos(Refused):
    code = "too_many_photos"
    message = _("Six photos at most.")
    status = 400


def storage() -> Storage:
    """Where photos lie; nothing serves this storage but the view that asks who is looking."""
    return storages["private"]


def pictures_from(uploads: Sequence["UploadedFile[Any]"]) -> list[Picture]:
    """Write uploaded photos anew, before any transaction: it takes a while.

    :raises TooManyPhotos: more than six; none of them is looked at
    :raises BadPicture: one of them is none
    :raises PictureTooLarge: more than 8 MB, or more than 40 megapixels
    """
    if len(uploads) > MOST_PHOTOS:
        raise TooManyPhotos
    return [picture_from(upload, longest_side=LONGEST_SIDE) for upload in uploads]


def keep(
    case: Return, pictures: Iterable[Picture], *, side: Side, by: User, now: datetime
) -> list[ReturnPhoto]:
    """Store photos of one side under names that can't be guessed; call it under the order's lock.

    :raises TooManyPhotos: this side would have more than six
    """
    new = list(pictures)
    if case.photos.filter(side=side).count() + len(new) > MOST_PHOTOS:
        raise TooManyPhotos
    return [
        ReturnPhoto.objects.create(
            case=case,
            side=side,
            uploaded_by=by,
            name=storage().save(f"returns/{uuid4().hex}.webp", ContentFile(picture.webp)),
            width=picture.width,
            height=picture.height,
            uploaded_at=now,
        )
        for picture in new
    ]
