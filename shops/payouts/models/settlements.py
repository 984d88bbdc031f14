"""How an order's money is split, when it is released, and what is held back of it."""

from typing import Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shops.ledger.models import Kind


class SettlementState(models.TextChoices):
    WAITING = "waiting", _("In escrow")
    SETTLED = "settled", _("Released")
    VOID = "void", _("Nothing to release")


SETTLEMENT_TRANSITIONS: Final[dict[SettlementState, frozenset[SettlementState]]] = {
    SettlementState.WAITING: frozenset({SettlementState.SETTLED, SettlementState.VOID}),
    SettlementState.SETTLED: frozenset(),
    # Its money came back after all: a charge-back was won, or a refund did not arrive.
    SettlementState.VOID: frozenset({SettlementState.WAITING}),
}


class Settlement(models.Model):
    """Who is to get what of a paid order (its parts), frozen when it is first looked at.

    `left_minor` is what is still released of it: what refunds and charge-backs took back after
    the release is gone, unless it came back. All changes are made under the order's row lock.
    """

    order = models.OneToOneField(
        "orders.Order", on_delete=models.PROTECT, related_name="settlement"
    )
    state = models.CharField(
        max_length=10, choices=SettlementState, default=SettlementState.WAITING
    )
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField(default=0)
    reserve_bps = models.PositiveIntegerField()
    planned_at = models.DateTimeField()
    # Delivery and the days for returns; empty until the order is delivered.
    due_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(left_minor__gte=0) & Q(left_minor__lte=F("total_minor")),
                name="payouts_left_within_total",
            ),
            models.CheckConstraint(
                condition=Q(state="settled") | Q(left_minor=0), name="payouts_left_when_settled"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="waiting"), name="payouts_settlement_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.state}"

    @property
    def is_waiting(self) -> bool:
        return self.state == SettlementState.WAITING

    @property
    def is_settled(self) -> bool:
        return self.state == SettlementState.SETTLED


class Part(models.Model):
    """What an account gets of the whole order; the parts of a settlement sum to its total."""

    settlement = models.ForeignKey(Settlement, on_delete=models.CASCADE, related_name="parts")
    kind = models.CharField(max_length=40, choices=Kind)
    owner = models.CharField(max_length=80, blank=True, default="")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "kind", "owner"], name="payouts_part_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="payouts_part_amount"),
        ]
        indexes = [
            models.Index(fields=["owner"], condition=~Q(owner=""), name="payouts_part_of_owner")
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} to {self.kind}:{self.owner or 'platform'}"


class Reserve(models.Model):
    """What is held back of the seller's part for a while, in case the order comes back.

    `left_minor` falls with refunds, and rises with what of them comes back; the rest goes to the
    seller when `released_at` is set.
    """

    settlement = models.OneToOneField(Settlement, on_delete=models.PROTECT, related_name="reserve")
    owner = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField()
    release_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(left_minor__gte=0) & Q(left_minor__lte=F("amount_minor")),
                name="payouts_reserve_left",
            )
        ]
        indexes = [
            models.Index(
                fields=["release_at"],
                condition=Q(released_at=None),
                name="payouts_reserve_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.left_minor} of {self.owner} until {self.release_at:%Y-%m-%d}"

    @property
    def is_held(self) -> bool:
        return self.released_at is None


class PostingKind(models.TextChoices):
    SETTLED = "settled", _("Released after delivery")
    REFUNDED = "refunded", _("Refunded to the buyer")
    CHARGED_BACK = "charged_back", _("Charged back by the buyer's bank")
    WON = "won", _("Charge-back won")
    UNDONE = "undone", _("Refund that did not arrive")
    RESERVE = "reserve", _("Reserve released")


class Posting(models.Model):
    """Append-only: a journal that was posted about an order's settlement, and why."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="postings")
    journal = models.OneToOneField(
        "ledger.Journal", on_delete=models.PROTECT, related_name="posting"
    )
    kind = models.CharField(max_length=15, choices=PostingKind)
    # What of the order's money was moved.
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.settlement_id}: {self.kind} {self.amount_minor}"
