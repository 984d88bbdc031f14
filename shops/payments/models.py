"""Payments, refunds and charge-backs of purchases, and the providers' messages about them."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PaymentState(models.TextChoices):
    CREATED = "created", _("Created")
    REQUIRES_ACTION = "requires_action", _("Waiting for the buyer")
    AUTHORIZED = "authorized", _("Authorised")
    CAPTURED = "captured", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    UNKNOWN = "unknown", _("Waiting for the provider")
    CHARGED_BACK = "charged_back", _("Charged back")


_OPEN = frozenset(
    {
        PaymentState.REQUIRES_ACTION,
        PaymentState.AUTHORIZED,
        PaymentState.CAPTURED,
        PaymentState.FAILED,
        PaymentState.CANCELLED,
        PaymentState.UNKNOWN,
    }
)
# Monotone: a late or repeated message of the provider never moves a payment back.
PAYMENT_TRANSITIONS: Final[dict[PaymentState, frozenset[PaymentState]]] = {
    PaymentState.CREATED: _OPEN,
    # Not back to "unknown": the buyer would lose the way to their bank.
    PaymentState.REQUIRES_ACTION: _OPEN - {PaymentState.REQUIRES_ACTION, PaymentState.UNKNOWN},
    PaymentState.UNKNOWN: _OPEN - {PaymentState.UNKNOWN},
    PaymentState.AUTHORIZED: frozenset(
        {PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.CANCELLED}
    ),
    PaymentState.CAPTURED: frozenset({PaymentState.CHARGED_BACK}),
    PaymentState.FAILED: frozenset(),
    PaymentState.CANCELLED: frozenset(),
    PaymentState.CHARGED_BACK: frozenset(),
}
# Apart from the table above, which reports of charges follow: these come late and twice, and an old
# "succeeded" must not undo a charge-back. Only the word that this one was won does.
WON_TRANSITIONS: Final[dict[PaymentState, frozenset[PaymentState]]] = {
    PaymentState.CHARGED_BACK: frozenset({PaymentState.CAPTURED}),
}


class Payment(models.Model):
    """One attempt to be paid for a purchase; its id is the key that the provider dedups by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    purchase = models.ForeignKey(
        "orders.Purchase", on_delete=models.PROTECT, related_name="payments"
    )
    # Whose it is: the one that was switched on when it was made, for as long as it lives.
    provider = models.CharField(max_length=20, default="sandbox")
    provider_ref = models.CharField(max_length=80, blank=True, db_index=True)
    # A token of the provider's; card numbers never come here.
    card_token = models.CharField(max_length=80)
    state = models.CharField(max_length=20, choices=PaymentState, default=PaymentState.CREATED)
    failure_code = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    # What was really taken; less than the amount when only a part was captured.
    captured_minor = models.BigIntegerField(default=0)
    # What its refunds that did not fail add up to, the ones under way included.
    refunds_minor = models.BigIntegerField(default=0)
    # The money is only authorised; a capture of our own takes it, all or a part.
    is_manual = models.BooleanField(default=False)
    # How much was asked to be captured, written down before the provider is.
    capture_asked_minor = models.BigIntegerField(null=True, blank=True)
    # Where the buyer confirms it (3-D Secure, or the provider's own page).
    action_url = models.CharField(max_length=2000, blank=True)
    # When its purchase was given more time because the provider did not answer; once.
    extended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purchase"],
                condition=Q(state__in=["captured", "charged_back"]),
                name="payments_one_capture",
            ),
            # A second attempt only after the first one is known to have failed.
            models.UniqueConstraint(
                fields=["purchase"],
                condition=Q(state__in=["created", "requires_action", "authorized", "unknown"]),
                name="payments_one_open",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_amount"),
            models.CheckConstraint(
                condition=Q(captured_minor__gte=0) & Q(captured_minor__lte=F("amount_minor")),
                name="payments_captured_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(refunds_minor__gte=0) & Q(refunds_minor__lte=F("captured_minor")),
                name="payments_refunds_within_capture",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class PaymentEvent(models.Model):
    """Append-only: each change of a payment's state."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.payment_id}: {self.from_state} → {self.to_state}"

    @property
    def label(self) -> str:
        """Name the state that was reached, for people; "" for a note, which changes none."""
        is_note = self.from_state == self.to_state
        return "" if is_note else str(PaymentState(self.to_state).label)


class CapturedShare(models.Model):
    """What was captured for one order when it was less than the order's total."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="shares")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "order"], name="payments_one_share"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="payments_share_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} of {self.payment_id} for {self.order_id}"


class RefundState(models.TextChoices):
    CREATED = "created", _("Created")
    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Failed")


# Failed after it succeeded: days later the buyer's bank may send the money back (its account was
# closed). The provider's last word counts, as the money is where it says. Nothing leads on from
# there, so older news that come late change nothing; a new refund gives it anew.
REFUND_TRANSITIONS: Final[dict[RefundState, frozenset[RefundState]]] = {
    RefundState.CREATED: frozenset(
        {RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED}
    ),
    RefundState.PENDING: frozenset({RefundState.SUCCEEDED, RefundState.FAILED}),
    RefundState.SUCCEEDED: frozenset({RefundState.FAILED}),
    RefundState.FAILED: frozenset(),
}


class Refund(models.Model):
    """Money given back for one order, all or a part; its id is the key the provider dedups by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="refunds")
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.CREATED)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    # What it comes from ("return:12"), so that the same cause gives back once; "" by hand.
    source = models.CharField(max_length=80, blank=True)
    # Empty when nobody asked: the money of a purchase that was closed goes back by itself.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    provider_ref = models.CharField(max_length=80, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # When the money that had gone back was sent back to us.
    came_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refund_amount"),
            models.CheckConstraint(
                condition=Q(came_back_at=None) | Q(state="failed"), name="payments_refund_came_back"
            ),
            models.UniqueConstraint(
                fields=["order", "source"],
                condition=~Q(state="failed") & ~Q(source=""),
                name="payments_refund_once_per_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} of {self.payment_id} {self.state}"


class ChargeBack(models.Model):
    """Money that the buyer's bank took back from us; the provider tells, nobody asks us."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="chargebacks")
    provider_ref = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=60, blank=True)
    told_at = models.DateTimeField()
    # When the bank gave it back: the shop's word was believed.
    won_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "provider_ref"], name="payments_chargeback_once"
            ),
            # Another one only after the one before was won.
            models.UniqueConstraint(
                fields=["payment"], condition=Q(won_at=None), name="payments_one_chargeback"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="payments_chargeback_amount"
            ),
        ]

    def __str__(self) -> str:
        said = "charged back and won" if self.won_at else "charged back"
        return f"{self.amount_minor} of {self.payment_id} {said}"


class ProviderMessage(models.Model):
    """A webhook that was taken in; the id makes a second delivery a no-op."""

    provider = models.CharField(max_length=20)
    message_id = models.CharField(max_length=80)
    body = models.JSONField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "message_id"], name="payments_message_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.message_id}"
