"""Double entry: accounts, journals, entries. Append-only; each journal sums to zero per currency.

The zero sum and the append-only rule are triggers of the database (see the migrations).
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    PSP_CLEARING = "psp_clearing", _("Provider clearing")
    ORDER_ESCROW = "order_escrow", _("Order escrow")
    SELLER_PAYABLE = "seller_payable", _("Payable to sellers")
    CREATOR_COMMISSION_PAYABLE = "creator_commission_payable", _("Commission payable")
    PLATFORM_FEE = "platform_fee", _("Platform fee")
    TAX_PAYABLE = "tax_payable", _("Tax payable")
    SELLER_RESERVE = "seller_reserve", _("Held back from sellers")
    CREATOR_FUND = "creator_fund", _("Creator fund")
    PAYOUT_CLEARING = "payout_clearing", _("Payouts under way")
    CHARGE_BACK_LOSS = "charge_back_loss", _("Losses from charge-backs")


class Account(models.Model):
    """One account per kind, owner (opaque text, "" for the platform) and currency."""

    kind = models.CharField(max_length=40, choices=Kind)
    owner = models.CharField(max_length=80, blank=True, default="")
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "owner", "currency"], name="ledger_account_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner or 'platform'} {self.currency}"


class Journal(models.Model):
    """One money event; `source` and `key` make posting it twice impossible."""

    source = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    description = models.CharField(max_length=200, blank=True)
    posted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="ledger_journal_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class Side(models.TextChoices):
    DEBIT = "debit", _("Debit")
    CREDIT = "credit", _("Credit")


class Entry(models.Model):
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="entries")
    # The index below begins with it.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    side = models.CharField(max_length=6, choices=Side)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="ledger_entry_positive"
            )
        ]
        # What an account got since its newest checkpoint.
        indexes = [models.Index(fields=["account", "id"], name="ledger_entry_of_account")]

    def __str__(self) -> str:
        return f"{self.side} {self.amount_minor} {self.account}"


class Checkpoint(models.Model):
    """What all entries of an account up to and with `entry_id` sum up to: debits less credits.

    No entry with a lower id may become visible after it was written (see `checkpoints`).
    Derived: a checkpoint that is deleted is only written anew.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="checkpoints")
    entry_id = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "entry_id"], name="ledger_checkpoint_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} up to {self.entry_id}: {self.balance_minor}"
