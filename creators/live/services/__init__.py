"""A show from schedule to end: its state, its shopping bag and the pinned product.

Each change takes the show's row first (`rev` + 1), so changes of one show happen one after the
other and clients can order them. Only the host may make them.
"""

from creators.live.services.bag import (
    LARGEST_BAG,
    BagFull,
    NotInBag,
    NotPartner,
    ProductGone,
    add_to_bag,
    remove_from_bag,
    reorder_bag,
    take_out,
)
from creators.live.services.leaving import end_abandoned, see_host
from creators.live.services.pins import NotLive, pin, unpin
from creators.live.services.rehearsals import (
    erase_rehearsal,
    rehearse,
    void_late,
    void_rehearsal,
)
from creators.live.services.row import NotHost, ShowOver, take_open
from creators.live.services.shows import (
    LONGEST_SHOW_MINUTES,
    AlreadyLive,
    WrongState,
    aim_key,
    cancel_show,
    change_show,
    end_show,
    make_key,
    schedule_show,
    start_show,
    upload_captions,
)

__all__ = [
    "LARGEST_BAG",
    "LONGEST_SHOW_MINUTES",
    "AlreadyLive",
    "BagFull",
    "NotHost",
    "NotInBag",
    "NotLive",
    "NotPartner",
    "ProductGone",
    "ShowOver",
    "WrongState",
    "add_to_bag",
    "aim_key",
    "cancel_show",
    "change_show",
    "end_abandoned",
    "end_show",
    "erase_rehearsal",
    "make_key",
    "pin",
    "rehearse",
    "remove_from_bag",
    "reorder_bag",
    "schedule_show",
    "see_host",
    "start_show",
    "take_open",
    "take_out",
    "unpin",
    "upload_captions",
    "void_late",
    "void_rehearsal",
]
