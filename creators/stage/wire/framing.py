"""What a frame holds, and which events go to which room; frames are built by `stage.frames`."""

from typing import Any, Final

from msgspec import Struct, field

from creators.stage.wire import events
from creators.stage.wire.parts import RoomKind


class Frame(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that happened in a room from one number to another, in its order."""

    room: RoomKind
    epoch: str
    # The number of its first event, also when that one was left out.
    first: int = field(name="from")
    # The number of its last event: where the room stands after this frame.
    seq: int
    # When the frame was built, in ms.
    at: int
    # How many chat lines are missing because the room's chat was faster than anybody reads.
    left_out: int = 0
    # Each has its number `seq` and its time `at` before what stands in its own table.
    events: list[dict[str, Any]]


GOES_TO: Final[dict[type[events.RoomEvent], tuple[RoomKind, ...]]] = {
    events.ShowStarted: ("live",),
    events.ShowEnded: ("live",),
    events.ShowCancelled: ("live",),
    events.BagChanged: ("live",),
    events.Pinned: ("live",),
    events.Unpinned: ("live",),
    events.StockMoved: ("live",),
    events.Sold: ("live",),
    events.Chat: ("live",),
    events.ChatDeleted: ("live",),
    events.ChatPinned: ("live",),
    events.ChatRules: ("live",),
    events.Question: ("live",),
    events.Picture: ("live",),
    events.Caption: ("live",),
    events.Counts: ("live",),
    events.Figures: ("host",),
    events.Trouble: ("host",),
    events.Sanction: ("mods", "me"),
    events.Held: ("mods",),
    events.Judged: ("me",),
    events.Action: ("mods",),
    events.Appeal: ("mods",),
    events.Cart: ("me",),
    events.Order: ("me",),
    events.Offer: ("me",),
    events.Scores: ("me",),
}
