"""CSRF tokens as Django's, with a mask that takes one call for random bytes and not one a letter.

Each such call lets go of Python's lock, and another thread takes it.
"""

import os
from functools import cached_property
from typing import Final

from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token

_COUNT: Final = len(CSRF_ALLOWED_CHARS)
_PLACES: Final = {letter: place for place, letter in enumerate(CSRF_ALLOWED_CHARS)}
# Bytes from here on would make some letters likelier than others.
_EVEN: Final = 256 - 256 % _COUNT


class Token:
    """The token of a page, made when the page first shows it: then its cookie is set, too."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __str__(self) -> str:
        return self._text

    # Letters and digits need not be escaped.
    __html__ = __str__

    @cached_property
    def _text(self) -> str:
        meta = self._request.META
        secret = meta.get("CSRF_COOKIE")
        if secret is None:
            # Django makes a new secret; its own mask is as good.
            return get_token(self._request)
        meta["CSRF_COOKIE_NEEDS_UPDATE"] = True
        return masked(secret)


def csrf(request: HttpRequest) -> dict[str, object]:
    """Give all templates a token."""
    return {"csrf_token": Token(request)}


def masked(secret: str) -> str:
    """Write a secret differently each time, so that nobody guesses it from compressed pages."""
    mask = _random_places()
    letters = [CSRF_ALLOWED_CHARS[place] for place in mask]
    letters += [
        CSRF_ALLOWED_CHARS[(_PLACES[letter] + place) % _COUNT]
        for letter, place in zip(secret, mask, strict=True)
    ]
    return "".join(letters)


def _random_places() -> list[int]:
    places: list[int] = []
    while len(places) < CSRF_SECRET_LENGTH:
        places += [byte % _COUNT for byte in os.urandom(2 * CSRF_SECRET_LENGTH) if byte < _EVEN]
    return places[:CSRF_SECRET_LENGTH]
