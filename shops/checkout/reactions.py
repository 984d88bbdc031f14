"""What the checkout room does about facts."""

import uuid
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from shops.checkout.events import GuestLinkAsked
from shops.checkout.models import GuestLink
from shops.checkout.services.guests import has_account, token_of
from shops.orders.events import (
    OrderCancelled,
    OrderExpired,
    OrderFact,
    OrderRefunded,
    OrderReopened,
)
from shops.orders.models import OVER, Order, ParcelLine
from shops.pricing.services import give_vouchers_back, use_vouchers_again


def mail_guest_link(fact: GuestLinkAsked, *, event_id: int, now: datetime) -> None:
    """Mail a link to go on with; who has an account is asked to sign in instead."""
    link = GuestLink.objects.filter(pk=uuid.UUID(fact.link_id), used_at=None).first()
    if link is None:
        return
    with_account = has_account(link.email)
    if with_account:
        path = f"{reverse('account_login')}?next={link.next_path or reverse('checkout:checkout')}"
    else:
        path = reverse("checkout:guest_link", args=[token_of(link)])
    body = render_to_string(
        "checkout/mail/guest_link.txt",
        {"link": f"{settings.SITE_URL.rstrip('/')}{path}", "has_account": with_account},
    )
    EmailMessage(
        subject=gettext("Go on with your order"),
        body=body,
        to=[link.email],
        headers={"Message-ID": f"<guest-link-{event_id}@liveshop>"},
    ).send()


def give_back(
    fact: OrderCancelled | OrderExpired | OrderRefunded, *, event_id: int, now: datetime
) -> None:
    """Give back the vouchers of an order that came to nothing, and stayed so.

    So did one that was refunded whole before anything of it was sent.
    """
    if _is_over(fact) and not ParcelLine.objects.filter(order_line__order=fact.order_id).exists():
        give_vouchers_back(purchase_id=uuid.UUID(fact.purchase_id), shop_id=fact.shop_id, now=now)


def use_again(fact: OrderReopened, *, event_id: int, now: datetime) -> None:
    """Count the vouchers of an order whose payment came late: it is paid with them, after all."""
    if not _is_over(fact):
        use_vouchers_again(purchase_id=uuid.UUID(fact.purchase_id), shop_id=fact.shop_id)


def _is_over(fact: OrderFact) -> bool:
    # Under its lock: a late payment may be bringing it back just now.
    order = Order.objects.select_for_update().get(pk=fact.order_id)
    return order.state in OVER
