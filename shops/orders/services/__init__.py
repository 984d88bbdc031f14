"""Place orders and move them through their states; each move appends an event and tells of it."""

from shops.orders.paying_statements import Unpaid
from shops.orders.services.arriving import (
    BadParcelState,
    NotOnItsWay,
    complete_due,
    confirm_receipt,
    count_as_delivered,
    move_parcel,
    parcels_moved,
)
from shops.orders.services.closing import (
    NotCancellable,
    NotUnpaid,
    RefundTooLarge,
    call_off,
    cancel,
    cancel_in_remorse,
    close_unpaid,
    expire,
    record_refund,
)
from shops.orders.services.late import give_more_time, reopen
from shops.orders.services.moves import PurchaseClosed, mark_settled, note
from shops.orders.services.overdue import cancel_overdue, remind_due
from shops.orders.services.paying import SoldOut, lock_unpaid, mark_paid, pay, release_due
from shops.orders.services.placing import (
    LineToPlace,
    Placed,
    ShippingToPlace,
    ToPlace,
    draft,
    facts_of,
    new_number,
    place,
    write,
)
from shops.orders.services.shipping import (
    AlreadySent,
    NotShippable,
    NotTogether,
    TrackingUsed,
    correct_tracking,
    ship,
)

__all__ = [
    "AlreadySent",
    "BadParcelState",
    "LineToPlace",
    "NotCancellable",
    "NotOnItsWay",
    "NotShippable",
    "NotTogether",
    "NotUnpaid",
    "Placed",
    "PurchaseClosed",
    "RefundTooLarge",
    "ShippingToPlace",
    "SoldOut",
    "ToPlace",
    "TrackingUsed",
    "Unpaid",
    "call_off",
    "cancel",
    "cancel_in_remorse",
    "cancel_overdue",
    "close_unpaid",
    "complete_due",
    "confirm_receipt",
    "correct_tracking",
    "count_as_delivered",
    "draft",
    "expire",
    "facts_of",
    "give_more_time",
    "lock_unpaid",
    "mark_paid",
    "mark_settled",
    "move_parcel",
    "new_number",
    "note",
    "parcels_moved",
    "pay",
    "place",
    "record_refund",
    "release_due",
    "remind_due",
    "reopen",
    "ship",
    "write",
]
