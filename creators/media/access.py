"""Signed addresses at the origin: who may watch a private stream, publish to one, see its health.

A token is a path segment `~<expiry>.<signature>`: relative addresses in a playlist keep it, and
nothing has to be looked up to judge it.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.conf import settings

Purpose = Literal["watch", "publish", "host"]


def _signature(stream_id: UUID, purpose: Purpose, expiry: int) -> str:
    key = hashlib.sha256(b"liveshop.media.access:" + settings.SECRET_KEY.encode()).digest()
    words = f"{stream_id}:{purpose}:{expiry}".encode()
    digest = hmac.new(key, words, hashlib.sha256).digest()[:18]
    return base64.urlsafe_b64encode(digest).decode()


def sign(stream_id: UUID, *, purpose: Purpose, until: datetime) -> str:
    """Return a path segment that opens a stream for one purpose until an instant."""
    expiry = int(until.timestamp())
    return f"~{expiry}.{_signature(stream_id, purpose, expiry)}"


def is_valid(token: str, stream_id: UUID, *, purpose: Purpose, now: datetime) -> bool:
    """Tell whether a path segment opens this stream for this purpose now; "host" opens all."""
    expiry_text, dot, signature = token.removeprefix("~").partition(".")
    if not token.startswith("~") or not dot or not expiry_text.isdecimal() or len(expiry_text) > 12:
        return False
    expiry = int(expiry_text)
    if expiry <= now.timestamp():
        return False
    purposes: tuple[Purpose, ...] = (purpose,) if purpose == "host" else (purpose, "host")
    return any(
        hmac.compare_digest(
            signature.encode(errors="replace"), _signature(stream_id, one, expiry).encode()
        )
        for one in purposes
    )


def key_digest(key: str) -> str:
    """Return what is kept of a stream key."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
