"""The closed lists of the room, and which state may follow which."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReturnState(models.TextChoices):
    REQUESTED = "requested", _("Waiting for the shop")
    APPROVED = "approved", _("Approved, to be sent back")
    REJECTED = "rejected", _("Rejected")
    IN_TRANSIT = "in_transit", _("On its way back")
    RECEIVED = "received", _("Back at the shop")
    REFUNDED = "refunded", _("Refund decided")
    DISPUTED = "disputed", _("In dispute")
    CLOSED = "closed", _("Closed")


_S = ReturnState
# Monotone: nothing that was decided is undone, only disputed; an operator's word closes.
RETURN_TRANSITIONS: Final[dict[ReturnState, frozenset[ReturnState]]] = {
    # Refunded at once: nothing has to come back. Closed: the buyer took the request back.
    _S.REQUESTED: frozenset({_S.APPROVED, _S.REJECTED, _S.REFUNDED, _S.CLOSED}),
    # Received at once: goods that came without a word. Closed: taken back, or never sent.
    _S.APPROVED: frozenset({_S.IN_TRANSIT, _S.RECEIVED, _S.REFUNDED, _S.CLOSED}),
    _S.REJECTED: frozenset({_S.DISPUTED, _S.CLOSED}),
    # Disputed: the shop does not say that the goods came.
    _S.IN_TRANSIT: frozenset({_S.RECEIVED, _S.REFUNDED, _S.DISPUTED}),
    _S.RECEIVED: frozenset({_S.REFUNDED}),
    _S.REFUNDED: frozenset({_S.DISPUTED, _S.CLOSED}),
    _S.DISPUTED: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset(),
}


class DisputeState(models.TextChoices):
    OPEN = "open", _("Waiting for the shop's answer")
    ANSWERED = "answered", _("Waiting for the decision")
    DECIDED = "decided", _("Decided")
    WITHDRAWN = "withdrawn", _("Withdrawn")


DISPUTE_TRANSITIONS: Final[dict[DisputeState, frozenset[DisputeState]]] = {
    DisputeState.OPEN: frozenset(
        {DisputeState.ANSWERED, DisputeState.DECIDED, DisputeState.WITHDRAWN}
    ),
    DisputeState.ANSWERED: frozenset({DisputeState.DECIDED, DisputeState.WITHDRAWN}),
    DisputeState.DECIDED: frozenset(),
    DisputeState.WITHDRAWN: frozenset(),
}


class RefundState(models.TextChoices):
    DUE = "due", _("On its way")
    PAID = "paid", _("Given back")
    FAILED = "failed", _("Failed")


REFUND_TRANSITIONS: Final[dict[RefundState, frozenset[RefundState]]] = {
    RefundState.DUE: frozenset({RefundState.PAID, RefundState.FAILED}),
    # The buyer's bank sent it back.
    RefundState.PAID: frozenset({RefundState.FAILED}),
    # An operator has it tried again.
    RefundState.FAILED: frozenset({RefundState.DUE}),
}


class ReturnReason(models.TextChoices):
    CHANGED_MIND = "changed_mind", _("I changed my mind")
    DAMAGED = "damaged", _("It arrived damaged")
    WRONG_ITEM = "wrong_item", _("It is not what I ordered")
    NOT_AS_DESCRIBED = "not_as_described", _("It is not as described")
    NEVER_ARRIVED = "never_arrived", _("It never arrived")
    OTHER = "other", _("Something else")


# For these the shop gives the shipping back, too.
SHOPS_FAULT: Final = frozenset(
    {
        ReturnReason.DAMAGED,
        ReturnReason.WRONG_ITEM,
        ReturnReason.NOT_AS_DESCRIBED,
        ReturnReason.NEVER_ARRIVED,
    }
)


class Side(models.TextChoices):
    BUYER = "buyer", _("Buyer")
    SHOP = "shop", _("Shop")
    OPERATOR = "operator", _("liveshop")
    # Silence after a time limit, or the payment provider.
    CLOCK = "clock", _("By itself")


class EventKind(models.TextChoices):
    REQUESTED = "requested", _("Return requested")
    APPROVED = "approved", _("Approved")
    SILENCE = "silence", _("Approved, as the shop did not answer in time")
    REJECTED = "rejected", _("Rejected")
    SENT = "sent", _("Sent back")
    RECEIVED = "received", _("Arrived at the shop")
    REFUNDED = "refunded", _("Refund decided")
    KEPT = "kept", _("Refund decided; the goods may be kept")
    REFUND_SILENCE = "refund_silence", _("Refund decided, as the shop did not in time")
    PAID_BACK = "paid_back", _("The money was given back")
    REFUND_FAILED = "refund_failed", _("The money did not reach the buyer")
    REFUND_RETRIED = "refund_retried", _("The refund is tried again")
    DISPUTED = "disputed", _("Dispute opened")
    ANSWERED = "answered", _("The shop answered")
    SAID = "said", _("Something was said about the dispute")
    WITHDRAWN = "withdrawn", _("Dispute withdrawn")
    DECIDED = "decided", _("Dispute decided")
    CANCELLED = "cancelled", _("Request taken back")
    LAPSED = "lapsed", _("Closed, as nothing was sent back in time")
    CLOSED = "closed", _("Closed")
    PHOTOS = "photos", _("Photos added")
