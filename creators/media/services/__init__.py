"""A stream's life: made, sent to, on the air, recorded, closed, erased.

What the origin does while pictures come in is told here, too, so that the site can know it.
"""

from creators.media.services.captions import (
    BadCaptions,
    add_caption,
    replace_captions,
)
from creators.media.services.publishers import (
    NotOpen,
    PublishingAlready,
    close_lost,
    picture_started,
    publisher_came,
    publisher_came_elsewhere,
    publisher_refused,
    publisher_went,
    publisher_went_elsewhere,
    say_seen,
)
from creators.media.services.recordings import (
    Erased,
    erase_files,
    erase_stream,
    record_segment,
)
from creators.media.services.streams import (
    StreamClosed,
    aim_key,
    go_off_air,
    go_on_air,
    make_key,
    open_stream,
    set_privacy,
)

__all__ = [
    "BadCaptions",
    "Erased",
    "NotOpen",
    "PublishingAlready",
    "StreamClosed",
    "add_caption",
    "aim_key",
    "close_lost",
    "erase_files",
    "erase_stream",
    "go_off_air",
    "go_on_air",
    "make_key",
    "open_stream",
    "picture_started",
    "publisher_came",
    "publisher_came_elsewhere",
    "publisher_refused",
    "publisher_went",
    "publisher_went_elsewhere",
    "record_segment",
    "replace_captions",
    "say_seen",
    "set_privacy",
]
