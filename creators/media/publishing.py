"""What whoever takes in pictures (RTMP, cameras) asks of the origin, and how it refuses them.

`Reception` judges keys and tokens and hands out an `Intake`, which takes the bytes.
"""

import asyncio
from typing import Final, Literal, Protocol, runtime_checkable
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Container = Literal["webm", "mp4"]

# Also what the console says of `Stream.trouble_code`.
TEXTS: Final[dict[str, str | Promise]] = {
    "unknown_key": _("This stream key is not valid. Copy the key from your show's console again."),
    "bad_token": _("This page's leave to send a picture has run out. Reload the page."),
    "no_show": _("No show of yours is waiting for a picture. Schedule one, or start a rehearsal."),
    "already_publishing": _(
        "A picture is already coming in for this show. Stop the other encoder or camera first."
    ),
    "unavailable": _("Pictures can't be taken in at the moment. Try again in a few seconds."),
    "key_changed": _("The stream key was changed. Enter the new one in your encoder."),
    "show_over": _("The show has ended, so its picture is no longer taken."),
    "moved": _("Your stream key sends to another show of yours now. Connect your encoder again."),
    "replaced": _("This connection was silent, and another one has taken its place."),
    "too_many_bits": _("The bitrate is far above the limit. Lower it in your encoder."),
    "too_large": _("The picture has too many pixels. Send a smaller one, such as 1920 × 1080."),
    "too_long": _("This broadcast has reached the longest time allowed. Start it anew to go on."),
    "unsupported_video": _("This video format can't be shown. Send H.264 video."),
    "unsupported_codec": _(
        "This encoder's video or sound can't be shown. Set it to H.264 (x264) video and AAC audio;"
        " in OBS: Settings → Output → Streaming."
    ),
    "no_video": _("No video came in. Check that your encoder or camera sends a picture."),
    "broken_stream": _("What came in is not a video that can be read."),
}


class Refusal(Exception):
    """A publisher is not let in, or not any longer; `text` tells it why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)

    @property
    def text(self) -> str:
        return str(TEXTS[self.code])

    def __str__(self) -> str:
        return self.text


class Intake(Protocol):
    """Where one publisher's bytes go."""

    # Done when it ends by itself: with the reason, or None when it was closed.
    ended: asyncio.Future[Refusal | None]

    async def write(self, data: bytes) -> None:
        """Take bytes of the container; waits while they come faster than they are used up.

        :raises Refusal: it has ended
        """

    async def close(self, why: Refusal | None = None) -> None:
        """Say that the publisher went; `why` when it was sent away by who takes in its bytes."""


@runtime_checkable
class TimedIntake(Protocol):
    """An intake that can use what a publisher knows of its pictures' time."""

    def note_capture(self, at: float) -> None:
        """Take note of when time 0 of the container was captured: Unix seconds, our clock."""


class Reception(Protocol):
    """Who lets publishers in."""

    async def by_key(self, key: str, *, address: str) -> Intake:
        """Let in an encoder (FLV) by its stream key.

        :raises Refusal: unknown_key, no_show, already_publishing, unavailable
        """

    async def by_token(
        self, stream_id: UUID, token: str, *, container: Container, address: str
    ) -> Intake:
        """Let in a browser's camera by a signed address.

        :raises Refusal: bad_token, no_show, already_publishing, unavailable
        """
