"""Where owners want their money, and the payouts that bring it there, run by run."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PayoutAccount(models.Model):
    """A bank account of an owner (opaque text as in the books); a change is a new row.

    Its row lock is what payouts of one owner take turns on; the books' accounts are never locked.
    """

    owner = models.CharField(max_length=80)
    holder = models.CharField(_("account holder"), max_length=120)
    number = models.CharField(_("IBAN or account number"), max_length=34)
    bic = models.CharField(_("BIC"), max_length=11, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(retired_at=None), name="payouts_one_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.masked}"

    @property
    def masked(self) -> str:
        """Show what its owner knows it by: the country and the last four characters."""
        start = self.number[:2] if self.number[:2].isalpha() else ""
        return f"{start}•••• {self.number[-4:]}"


class Way(models.TextChoices):
    FILE = "file", _("File for the bank")
    SANDBOX = "sandbox", _("Sandbox provider")


class RunState(models.TextChoices):
    OPEN = "open", _("Under way")
    DONE = "done", _("Done")


class PayoutRun(models.Model):
    """One round of payouts; its id comes from who asks for it, so asking twice makes one.

    Open until every owner was looked at and every payout is paid or failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    way = models.CharField(max_length=10, choices=Way)
    state = models.CharField(max_length=5, choices=RunState, default=RunState.OPEN)
    # Set on the runs that nobody asked for: one a day.
    scheduled_for = models.DateField(null=True, blank=True, unique=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField()
    # All owners were looked at: the run gets no more payouts.
    collected_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["started_at"], condition=Q(state="open"), name="payouts_run_open")
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d} {self.way} {self.state}"


class PayoutState(models.TextChoices):
    CREATED = "created", _("In preparation")
    SENT = "sent", _("On its way")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed, money is back in the balance")


PAYOUT_TRANSITIONS: Final[dict[PayoutState, frozenset[PayoutState]]] = {
    PayoutState.CREATED: frozenset({PayoutState.SENT, PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.SENT: frozenset({PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.PAID: frozenset(),
    PayoutState.FAILED: frozenset(),
}


class Payout(models.Model):
    """What an owner is paid in one run; its id is the key that the provider dedups by.

    The money left the owner's balance when the row was made; a failed one gives it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(PayoutRun, on_delete=models.PROTECT, related_name="payouts")
    owner = models.CharField(max_length=80)
    account = models.ForeignKey(PayoutAccount, on_delete=models.PROTECT, related_name="payouts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=PayoutState, default=PayoutState.CREATED)
    provider_ref = models.CharField(max_length=80, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "owner", "currency"], name="payouts_once_per_run"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payouts_amount"),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="payouts_of_owner"),
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["created", "sent"]),
                name="payouts_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} to {self.owner} {self.state}"

    @property
    def reference(self) -> str:
        """Name the payout on bank statements."""
        return f"LS-PO-{self.id.hex[:12].upper()}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (PayoutState.CREATED, PayoutState.SENT)

    @property
    def is_failed(self) -> bool:
        return self.state == PayoutState.FAILED


class PayoutEvent(models.Model):
    """Append-only: each change of a payout's state, and why."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.from_state} → {self.to_state}"
