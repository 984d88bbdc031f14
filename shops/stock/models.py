"""Units on hand and reserved per SKU, who holds them, who waits for them, and every movement."""

import uuid
from typing import Any, Final

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Stock(models.Model):
    """`0 <= reserved <= on_hand`, kept by the database; `rev` grows with each change."""

    sku = models.OneToOneField(
        "catalog.Sku", on_delete=models.PROTECT, primary_key=True, related_name="stock"
    )
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    rev = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.available} of {self.on_hand}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class HoldState(models.TextChoices):
    HELD = "held", _("Held")
    COMMITTED = "committed", _("Committed")
    SOLD = "sold", _("Sold")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


HOLD_TRANSITIONS: Final[dict[HoldState, frozenset[HoldState]]] = {
    HoldState.HELD: frozenset({HoldState.COMMITTED, HoldState.RELEASED, HoldState.EXPIRED}),
    # A committed hold is sold when it is shipped, and given back when its order is cancelled,
    # expires or is refunded.
    HoldState.COMMITTED: frozenset({HoldState.SOLD, HoldState.RELEASED}),
    HoldState.SOLD: frozenset(),
    HoldState.RELEASED: frozenset(),
    HoldState.EXPIRED: frozenset(),
}


class Hold(models.Model):
    """Units kept for somebody; the id is the client's, so asking twice gives the same hold."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Not checked row by row: whoever makes a hold has the lock of the SKU's stock, whose SKU is.
    sku = models.ForeignKey(
        "catalog.Sku", on_delete=models.PROTECT, related_name="holds", db_constraint=False
    )
    # Neither checked nor indexed: thousands of rows a second come in here, for users who are known.
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=HoldState, default=HoldState.HELD)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_hold_quantity")
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="held"), name="stock_hold_due")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku_id} {self.state}"


class Kind(models.TextChoices):
    OPENING = "opening", _("Opening")
    RECEIVED = "received", _("Received")
    CORRECTED = "corrected", _("Corrected")
    HELD = "held", _("Held")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")
    COMMITTED = "committed", _("Ordered")
    FREED = "freed", _("Order given back")
    SOLD = "sold", _("Sold and shipped")
    RETURNED = "returned", _("Returned")


_UP = F("quantity")
_DOWN = F("quantity") * -1


def _moves(kind: Kind, *, on_hand: Any = 0, held: Any = 0, committed: Any = 0) -> Q:
    """State what a kind does to the three figures."""
    return Q(kind=kind.value, on_hand=on_hand, held=held, committed=committed)


class StockMovement(models.Model):
    """Append-only: each change of a SKU's units, as differences; their sums are the stock.

    The database refuses to change or delete one (see the migrations), and one whose differences
    are not those of its kind. An opening says how the books began and may be of any kind of units.
    """

    # Not checked: the statement that writes a movement has just locked or made what it names.
    sku = models.ForeignKey(
        "catalog.Sku",
        on_delete=models.PROTECT,
        related_name="movements",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(max_length=10, choices=Kind)
    quantity = models.PositiveIntegerField()
    on_hand = models.IntegerField(db_default=0)
    held = models.IntegerField(db_default=0)
    committed = models.IntegerField(db_default=0)
    hold_id = models.UUIDField(null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    reason = models.CharField(max_length=200, blank=True, db_default="")
    # The movement that this one takes back.
    undoes = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="undone_by",
        db_index=False,
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_movement_quantity"),
            models.CheckConstraint(
                condition=Q(kind="opening")
                | _moves(Kind.RECEIVED, on_hand=_UP)
                | _moves(Kind.CORRECTED, on_hand=_UP)
                | _moves(Kind.CORRECTED, on_hand=_DOWN)
                | _moves(Kind.HELD, held=_UP)
                | _moves(Kind.RELEASED, held=_DOWN)
                | _moves(Kind.EXPIRED, held=_DOWN)
                | _moves(Kind.COMMITTED, held=_DOWN, committed=_UP)
                | _moves(Kind.FREED, committed=_DOWN)
                | _moves(Kind.SOLD, on_hand=_DOWN, committed=_DOWN)
                | _moves(Kind.RETURNED, on_hand=_UP),
                name="stock_movement_of_its_kind",
            ),
            models.UniqueConstraint(
                fields=["undoes"],
                condition=Q(undoes__isnull=False),
                name="stock_movement_undone_once",
            ),
        ]
        indexes = [models.Index(fields=["sku", "id"], name="stock_movement_of_sku")]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity} of {self.sku_id}"


class Mode(models.TextChoices):
    CART_HOLD = "cart_hold", _("Kept from the cart on")
    CHECKOUT_HOLD = "checkout_hold", _("Kept from checkout on")
    FIRST_PAID = "first_paid", _("Whoever pays first")


SHORTEST_HOLD: Final = 60
# However often a hold is renewed or extended, it ends this many seconds after it began.
LONGEST_HOLD: Final = 15 * 60
MOST_PER_BUYER: Final = 99


class ReservationPolicy(models.Model):
    """How a product's units are kept for its buyers; without a row it is `CHECKOUT_HOLD`."""

    product = models.OneToOneField(
        "catalog.Product",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="reservation_policy",
    )
    mode = models.CharField(max_length=20, choices=Mode, default=Mode.CHECKOUT_HOLD)
    # None: as long as HOLD_SECONDS says.
    hold_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(SHORTEST_HOLD), MaxValueValidator(LONGEST_HOLD)],
    )
    most_per_buyer = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_BUYER)],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hold_seconds__isnull=True)
                | Q(hold_seconds__gte=SHORTEST_HOLD, hold_seconds__lte=LONGEST_HOLD),
                name="stock_policy_hold_seconds",
            ),
            models.CheckConstraint(
                condition=Q(most_per_buyer__isnull=True)
                | Q(most_per_buyer__gte=1, most_per_buyer__lte=MOST_PER_BUYER),
                name="stock_policy_most_per_buyer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.mode}"


class EntryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    OFFERED = "offered", _("Offered")
    TAKEN = "taken", _("Bought")
    DECLINED = "declined", _("Declined")
    EXPIRED = "expired", _("Offer ran out")
    LEFT = "left", _("Left")


ENTRY_TRANSITIONS: Final[dict[EntryState, frozenset[EntryState]]] = {
    EntryState.WAITING: frozenset({EntryState.OFFERED, EntryState.LEFT}),
    # An offer is a hold: it is taken when that is ordered, and passes on when that ends otherwise.
    EntryState.OFFERED: frozenset(
        {EntryState.TAKEN, EntryState.DECLINED, EntryState.EXPIRED, EntryState.LEFT}
    ),
    EntryState.TAKEN: frozenset(),
    EntryState.DECLINED: frozenset(),
    EntryState.EXPIRED: frozenset(),
    EntryState.LEFT: frozenset(),
}
_STILL_IN = Q(state__in=["waiting", "offered"])


class WaitlistEntry(models.Model):
    """Somebody waits for units of a SKU; first in, first offered. `hold_id` is the offer's."""

    sku = models.ForeignKey(
        "catalog.Sku", on_delete=models.PROTECT, related_name="waitlist", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waitlist"
    )
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=EntryState, default=EntryState.WAITING)
    joined_at = models.DateTimeField()
    # How many of the wanted units the offer is for: the freed ones may be fewer.
    offered = models.PositiveIntegerField(null=True, blank=True)
    offer_until = models.DateTimeField(null=True, blank=True)
    hold_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_entry_quantity"),
            models.UniqueConstraint(
                fields=["sku", "user"], condition=_STILL_IN, name="stock_entry_once"
            ),
            models.UniqueConstraint(
                fields=["hold_id"], condition=Q(hold_id__isnull=False), name="stock_entry_hold"
            ),
            models.CheckConstraint(
                condition=~Q(state="offered")
                | Q(hold_id__isnull=False, offer_until__isnull=False, offered__isnull=False),
                name="stock_entry_offer",
            ),
        ]
        indexes = [
            models.Index(fields=["sku", "id"], condition=Q(state="waiting"), name="stock_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.quantity} of {self.sku_id} {self.state}"

    @property
    def is_offered(self) -> bool:
        return self.state == EntryState.OFFERED


class WaitlistEvent(models.Model):
    """Append-only: each change of an entry's state."""

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.from_state} → {self.to_state}"
