"""Place orders and move them through their states; each move appends an event and tells of it."""

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
from shops.orders.services.paying import SoldOut, mark_paid, mark_paid_all, release_due
from shops.orders.services.placing import (
    LineToPlace,
    Placed,
    ShippingToPlace,
    ToPlace,
    new_number,
    place,
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
    "call_off",
    "cancel",
    "cancel_in_remorse",
    "cancel_overdue",
    "close_unpaid",
    "complete_due",
    "confirm_receipt",
    "correct_tracking",
    "count_as_delivered",
    "expire",
    "give_more_time",
    "mark_paid",
    "mark_paid_all",
    "mark_settled",
    "move_parcel",
    "new_number",
    "note",
    "parcels_moved",
    "place",
    "record_refund",
    "release_due",
    "remind_due",
    "reopen",
    "ship",
]
