"""Uploaded feeds between their preview and their import: private files, a day at most."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop
from shops.facts.refused import Refused

KEPT_FOR: Final = timedelta(days=1)
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


class UploadGone(Refused):
    code = "upload_gone"
    message = _("The uploaded file is no longer here. Upload it again.")
    status = 410


def _folder(shop: Shop) -> str:
    return f"feeds/pending/{shop.pk}"


def keep(*, shop: Shop, file: File[bytes], now: datetime) -> str:
    """Store an upload of a shop and forget its old ones; returns the token to open it with."""
    _forget_old(shop, now)
    token = uuid.uuid4().hex
    default_storage.save(f"{_folder(shop)}/{token}.csv", file)
    return token


def open_kept(*, shop: Shop, token: str) -> File[bytes]:
    """Open an upload of a shop.

    :raises UploadGone: there is none with this token
    """
    if not _TOKEN.fullmatch(token):
        raise UploadGone
    try:
        return default_storage.open(f"{_folder(shop)}/{token}.csv", "rb")
    except FileNotFoundError:
        raise UploadGone from None


def forget(*, shop: Shop, token: str) -> None:
    if _TOKEN.fullmatch(token):
        default_storage.delete(f"{_folder(shop)}/{token}.csv")


def _forget_old(shop: Shop, now: datetime) -> None:
    if not default_storage.exists(_folder(shop)):
        return
    for name in default_storage.listdir(_folder(shop))[1]:
        path = f"{_folder(shop)}/{name}"
        if default_storage.get_modified_time(path) < now - KEPT_FOR:
            default_storage.delete(path)
