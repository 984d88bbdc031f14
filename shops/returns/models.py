"""Goods that come back: what a buyer asks for, what the shop does about it, and disputes."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from shops.returns.states import (
    DisputeState,
    EventKind,
    RefundState,
    ReturnReason,
    ReturnState,
    Side,
)

MOST_WORDS: Final = 1000


class Return(models.Model):
    """Units of an order that its buyer wants to give back, or that never came."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="returns")
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="returns"
    )
    state = models.CharField(max_length=10, choices=ReturnState, default=ReturnState.REQUESTED)
    reason = models.CharField(max_length=20, choices=ReturnReason)
    words = models.CharField(max_length=MOST_WORDS, blank=True)
    currency = models.CharField(max_length=3)
    # What the buyer may get back at most: the lines' share of what was paid, and the shipping's.
    goods_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField(default=0)
    # What was decided to go back, by the shop and by an operator together.
    refund_minor = models.BigIntegerField(default=0)
    # Why it is less than what was asked for.
    less_because = models.CharField(max_length=200, blank=True)
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=60, blank=True)
    # Taken back by the buyer, or never sent: its units may be asked for again.
    is_withdrawn = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # When silence is an answer: what happens then depends on the state (see silence.py).
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(goods_minor__gte=0) & Q(shipping_minor__gte=0),
                name="returns_asked_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refund_minor__gte=0)
                & Q(refund_minor__lte=F("goods_minor") + F("shipping_minor")),
                name="returns_refund_within_asked",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-requested_at"], name="returns_of_buyer"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="returns_due"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.state}"

    @property
    def asked_minor(self) -> int:
        return self.goods_minor + self.shipping_minor

    @property
    def short_minor(self) -> int:
        """What is missing between what was asked for and what was decided."""
        return self.asked_minor - self.refund_minor

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def needs_goods(self) -> bool:
        """Nothing comes back of what never arrived."""
        return self.reason != ReturnReason.NEVER_ARRIVED


# The shop's money waits while one of an order's returns is in one of these.
OPEN_STATES: Final = (
    ReturnState.REQUESTED,
    ReturnState.APPROVED,
    ReturnState.IN_TRANSIT,
    ReturnState.RECEIVED,
    ReturnState.DISPUTED,
)


class ReturnLine(models.Model):
    """Units of one line of the order, and what became of them on arrival."""

    case = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="return_lines"
    )
    quantity = models.PositiveIntegerField()
    # Their share of what was paid for the line, discount and tax included.
    amount_minor = models.BigIntegerField()
    restocked = models.PositiveIntegerField(default=0)
    written_off = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "order_line"], name="returns_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(amount_minor__gte=0), name="returns_line_amounts"
            ),
            models.CheckConstraint(
                condition=Q(restocked__lte=F("quantity") - F("written_off")),
                name="returns_no_more_arrives_than_left",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"

    @property
    def missing(self) -> int:
        return self.quantity - self.restocked - self.written_off


class ReturnPhoto(models.Model):
    """A picture of the goods; written anew by us, under a name that can't be guessed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="photos")
    side = models.CharField(max_length=10, choices=Side)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    # In the private storage, which nothing serves but the view that asks who is looking.
    name = models.CharField(max_length=80, unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    uploaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.id}"


class ReturnEvent(models.Model):
    """Append-only: each thing that happened to a return, who did it and why."""

    case = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    side = models.CharField(max_length=10, choices=Side)
    # Empty when the clock or the provider did it.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=MOST_WORDS, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["case", "at"], name="returns_events")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.kind}"


class ReturnRefund(models.Model):
    """Money that was decided to go back; its id is the `source` that the payments room knows it by.

    Written in the decision's own transaction: a decision without its money can't be.
    """

    case = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.DUE)
    reason = models.CharField(max_length=200, blank=True)
    # Empty when silence decided.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="returns_refund_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.state}"

    @property
    def source(self) -> str:
        return f"return:{self.pk}"


class Dispute(models.Model):
    """A buyer's "no" to the shop's decision; an operator has the last word."""

    case = models.OneToOneField(Return, on_delete=models.PROTECT, related_name="dispute")
    state = models.CharField(max_length=10, choices=DisputeState, default=DisputeState.OPEN)
    opened_at = models.DateTimeField()
    # The shop answers until then; afterwards the operator may decide without it.
    answer_by = models.DateTimeField()
    decide_by = models.DateTimeField()
    refund_minor = models.BigIntegerField(default=0)
    decision = models.CharField(max_length=MOST_WORDS, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(refund_minor__gte=0), name="returns_dispute_refund"),
        ]
        indexes = [models.Index(fields=["state", "decide_by"], name="returns_disputes")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in (DisputeState.OPEN, DisputeState.ANSWERED)


class DisputeMessage(models.Model):
    """Append-only: what one of the sides said."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="messages")
    side = models.CharField(max_length=10, choices=Side)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=MOST_WORDS)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} of {self.dispute_id}"
