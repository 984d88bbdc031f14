"""What the frame of every page asks can come with what a view asks: one trip instead of two.

Only the roof knows what is in the frame: `settings.FRAME` names a class with what is here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string


class Frame(Protocol):
    """The frame of one page."""

    @classmethod
    def of(cls, request: HttpRequest) -> "Frame":
        """Give the one frame of a request."""
        ...

    @classmethod
    def asked(cls, *, users: str) -> tuple[str, Mapping[str, Any]]:
        """Say what frames ask of users, by their ids (an array, as PostgreSQL reads it).

        Each row tells last of whom it is.
        """
        ...

    def hear(self, row: Sequence[Any]) -> None:
        """Take the answer about who is signed in, instead of asking for it later."""
        ...


def frame_of(request: HttpRequest) -> Frame:
    return _frame().of(request)


def asked(*, users: str) -> tuple[str, Mapping[str, Any]]:
    return _frame().asked(users=users)


def _frame() -> type[Frame]:
    return cast(type[Frame], import_string(settings.FRAME))
