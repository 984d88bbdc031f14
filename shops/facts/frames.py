"""What the frame of every page asks can come with what a view asks: one trip instead of two."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string


class Frame(Protocol):
    """The frame of one page, of which only the roof knows what is in it."""

    def ask(self) -> tuple[str, Mapping[str, Any]]:
        """Say what it asks, for who is signed in."""
        ...

    def hear(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the answer, instead of asking for it later."""
        ...


def frame_of(request: HttpRequest) -> Frame:
    return cast(Frame, import_string(settings.FRAME)(request))
