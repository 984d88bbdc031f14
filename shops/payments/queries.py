"""Reads of payments, refunds and what the books say about an order."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, QuerySet, Sum
from django.utils.functional import Promise

from shops.accounts.models import User
from shops.catalog.queries import is_operator
from shops.facts.refused import NotFound
from shops.ledger import queries as ledger
from shops.ledger.models import Journal, Kind, Side
from shops.ledger.money import Money
from shops.ledger.shares import largest_remainder
from shops.orders.models import Order
from shops.payments import providers
from shops.payments.models import (
    CapturedShare,
    ChargeBack,
    Payment,
    PaymentEvent,
    PaymentState,
    Refund,
    RefundState,
)
from shops.payments.words import why_not

# It is not known yet how these end.
OPEN: Final = (
    PaymentState.CREATED,
    PaymentState.REQUIRES_ACTION,
    PaymentState.AUTHORIZED,
    PaymentState.UNKNOWN,
)
OPEN_REFUNDS: Final = (RefundState.CREATED, RefundState.PENDING)
SOURCE_CAPTURE: Final = "payments.capture"
SOURCE_REFUND: Final = "payments.refund"
SOURCE_UNDONE: Final = "payments.refund_undone"
SOURCE_CHARGE_BACK: Final = "payments.charge_back"
SOURCE_WON: Final = "payments.charge_back_won"


def open_payment_of(purchase_id: uuid.UUID) -> Payment | None:
    """Find the attempt to pay a purchase that is under way."""
    return Payment.objects.filter(purchase_id=purchase_id, state__in=OPEN).first()


def state_of(purchase_id: uuid.UUID) -> PaymentState | None:
    """Tell how a purchase's newest payment stands; None when there was none."""
    newest = last_payment_of(purchase_id)
    return PaymentState(newest.state) if newest else None


def last_payment_of(purchase_id: uuid.UUID) -> Payment | None:
    return Payment.objects.filter(purchase_id=purchase_id).order_by("-created_at").first()


def refund_of(order_id: int) -> Refund | None:
    """Find the newest refund of an order that was made or is under way."""
    return refunds_of(order_id).order_by("-created_at", "-pk").first()


def refunds_of(order_id: int) -> QuerySet[Refund]:
    """List the refunds of an order that were made or are under way."""
    return Refund.objects.filter(order_id=order_id).exclude(state=RefundState.FAILED)


def refundable_minor(order: Order) -> int:
    """Count what can still be given back of an order: what was taken for it, less its refunds."""
    payment = Payment.objects.filter(
        purchase_id=order.purchase_id, state=PaymentState.CAPTURED
    ).first()
    if payment is None:
        return 0
    given = refunds_of(order.pk).aggregate(minor=Sum("amount_minor"))["minor"] or 0
    return share_of(payment, order) - given


def share_of(payment: Payment, order: Order) -> int:
    """Tell what was taken for one order, in minor units."""
    return next(minor for one, minor in shares(payment) if one.pk == order.pk)


def shares(payment: Payment) -> list[tuple[Order, int]]:
    """Tell what was (or when captured in full will be) taken for each order of a payment."""
    return shares_of([payment])[payment.pk]


def shares_of(payments: Sequence[Payment]) -> dict[uuid.UUID, list[tuple[Order, int]]]:
    """Tell by payment what was (or when captured in full will be) taken for each order."""
    orders: dict[uuid.UUID, list[Order]] = {one.purchase_id: [] for one in payments}
    for order in Order.objects.filter(purchase_id__in=list(orders)).order_by("pk"):
        orders[order.purchase_id].append(order)
    return {one.pk: _shares(one, orders[one.purchase_id]) for one in payments}


def _shares(payment: Payment, orders: list[Order]) -> list[tuple[Order, int]]:
    if payment.captured_minor in (0, payment.amount_minor):
        return [(order, order.total_minor) for order in orders]
    told = dict(
        CapturedShare.objects.filter(payment=payment).values_list("order_id", "amount_minor")
    )
    if sum(told.values()) != payment.captured_minor:
        # Captured at the provider's, by hand: nobody said for what.
        amounts = largest_remainder(payment.captured_minor, [order.total_minor for order in orders])
        return list(zip(orders, amounts, strict=True))
    return [(order, told.get(order.pk, 0)) for order in orders]


def chargebacks_of(purchase_id: uuid.UUID) -> QuerySet[ChargeBack]:
    """List how often a buyer's bank took the money of a purchase back, oldest first."""
    return ChargeBack.objects.filter(payment__purchase_id=purchase_id).order_by("pk")


def may_manage(*, payment: Payment, user: User) -> bool:
    """Tell whether a user is an operator, or of the only shop that is paid with a payment."""
    if is_operator(user=user):
        return True
    shops = set(payment.purchase.orders.values_list("shop_id", flat=True))
    staffed = Order.objects.filter(purchase_id=payment.purchase_id, shop__staff__user=user)
    return len(shops) == 1 and staffed.exists()


def capture_key(*, payment_id: object, order_id: int) -> str:
    return f"{payment_id}:{order_id}"


def chargeback_key(*, payment_id: object, order_id: int, number: int) -> str:
    """Name an order's part of a payment's charge-back; mostly there is one, so 1 is not said."""
    key = capture_key(payment_id=payment_id, order_id=order_id)
    return key if number == 1 else f"{key}:{number}"


def journals_of_order(order: Order) -> list[Journal]:
    """List what was posted about an order, oldest first, with entries and accounts."""
    payments = Payment.objects.filter(purchase_id=order.purchase_id)
    counted = list(payments.annotate(times=Count("chargebacks")).values_list("pk", "times"))
    keys = [capture_key(payment_id=payment, order_id=order.pk) for payment, _ in counted]
    taken = [
        chargeback_key(payment_id=payment, order_id=order.pk, number=number)
        for payment, times in counted
        for number in range(1, times + 1)
    ]
    refunds = [str(pk) for pk in Refund.objects.filter(order=order).values_list("pk", flat=True)]
    return [
        *ledger.journals(source=SOURCE_CAPTURE, keys=keys),
        *ledger.journals(source=SOURCE_REFUND, keys=refunds),
        *ledger.journals(source=SOURCE_UNDONE, keys=refunds),
        *ledger.journals(source=SOURCE_CHARGE_BACK, keys=taken),
        *ledger.journals(source=SOURCE_WON, keys=taken),
    ]


def in_escrow(journals: Iterable[Journal]) -> int:
    """Sum what an order's journals have put into escrow and taken out of it."""
    return sum(
        entry.amount_minor if entry.side == Side.CREDIT else -entry.amount_minor
        for journal in journals
        for entry in journal.entries.all()
        if entry.account.kind == Kind.ORDER_ESCROW
    )


@dataclass(frozen=True)
class Part:
    """An order and its amount, written for a form."""

    order: Order
    plain: str


@dataclass(frozen=True)
class ShownPayment:
    """A payment as its sellers and operators see it; sellers see only orders of their own."""

    payment: Payment
    orders: list[Order]
    events: list[PaymentEvent]
    refunds: list[Refund]
    chargeback: ChargeBack | None
    can_manage: bool

    @property
    def why(self) -> Promise:
        return why_not(self.payment.failure_code)

    @property
    def page_url(self) -> str:
        """Tell where the payment is seen at the provider; "" when it has no name there."""
        ref = self.payment.provider_ref
        return providers.provider_of(self.payment.provider).page_url(ref) if ref else ""

    @property
    def parts(self) -> list[Part]:
        """List what could be taken for each order."""
        return [
            Part(order, Money(order.total_minor, order.currency).plain) for order in self.orders
        ]

    @property
    def can_capture(self) -> bool:
        is_free = self.payment.capture_asked_minor is None
        return self.can_manage and is_free and self.payment.state == PaymentState.AUTHORIZED


def shown_payment(*, payment_id: uuid.UUID, user: User) -> ShownPayment:
    """Read a payment with its history.

    :raises NotFound: there is none, or `user` is neither an operator nor of a shop it pays
    """
    payment = Payment.objects.select_related("purchase").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound
    orders = Order.objects.select_related("shop").filter(purchase_id=payment.purchase_id)
    if not is_operator(user=user):
        orders = orders.filter(shop__staff__user=user)
    mine = list(orders.order_by("pk"))
    if not mine:
        raise NotFound
    return ShownPayment(
        payment=payment,
        orders=mine,
        events=list(payment.events.order_by("at", "pk")),
        refunds=list(
            payment.refunds.filter(order__in=mine).select_related("order").order_by("created_at")
        ),
        chargeback=payment.chargebacks.order_by("-pk").first(),
        can_manage=may_manage(payment=payment, user=user),
    )
