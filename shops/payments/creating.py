"""Payments before their provider hears of them: written with, or for, their purchase."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy

from shops.facts.refused import Invalid, Refused
from shops.facts.rows import ask_each
from shops.facts.transactions import whole
from shops.orders import services as orders
from shops.orders.models import Order, Purchase
from shops.payments.creation_statements import creating
from shops.payments.models import Payment
from shops.payments.queries import OPEN


class PaymentUnderWay(Refused):
    code = "payment_under_way"
    message = gettext_lazy("A payment of this order is under way already.")


class AlreadyPaid(Refused):
    code = "already_paid"
    message = gettext_lazy("This order is paid already.")


class BadCard(Invalid):
    code = "bad_card"
    message = gettext_lazy("Choose a card to pay with.")


@whole
def create_payment(*, purchase: Purchase, card_token: str, now: datetime) -> Payment:
    """Write down that a purchase is about to be paid; once committed, call `start`.

    :raises BadCard: no token, or none that a provider would make
    :raises AlreadyPaid: it was paid
    :raises PurchaseClosed: it was cancelled or has expired
    :raises PaymentUnderWay: it is not known yet how an earlier attempt ended
    """
    check_card(card_token)
    # Under the lock that paying, cancelling and expiring take, too.
    purchase = Purchase.objects.select_for_update().get(pk=purchase.pk)
    found = list(Order.objects.filter(purchase=purchase))
    if any(order.is_paid for order in found):
        raise AlreadyPaid
    if any(not order.is_unpaid for order in found):
        raise orders.PurchaseClosed
    if Payment.objects.filter(purchase=purchase, state__in=OPEN).exists():
        raise PaymentUnderWay
    [payment] = first_of([(purchase, card_token)], now=now)
    ask_each([creating([payment])])
    return payment


def first_of(wanted: Sequence[tuple[Purchase, str]], *, now: datetime) -> list[Payment]:
    """Make the first payment of each purchase with its (checked) card token; `creating` writes it.

    For purchases that are made in the very same transaction, so that nobody else knows them.
    """
    return [
        Payment(
            purchase=purchase,
            provider=settings.PAYMENT_PROVIDER,
            card_token=card_token,
            currency=purchase.currency,
            amount_minor=purchase.total_minor,
            is_manual=settings.PAYMENT_CAPTURE == "manual",
            created_at=now,
        )
        for purchase, card_token in wanted
    ]


def check_card(card_token: str) -> None:
    """Refuse what is no provider's token.

    :raises BadCard: it is empty, too long or not printable
    """
    if not 0 < len(card_token) <= 80 or not card_token.isprintable():
        raise BadCard
