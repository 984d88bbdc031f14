"""What the orders room does about facts."""

from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext

from shops.orders.events import OrderPaid
from shops.orders.models import Order


def send_receipt(fact: OrderPaid, *, event_id: int, now: datetime) -> None:
    """Mail the buyer what was paid."""
    order = Order.objects.select_related("buyer", "shop").get(pk=fact.order_id)
    body = render_to_string(
        "orders/mail/receipt.txt",
        {
            "order": order,
            "lines": order.lines.order_by("pk"),
            "link": f"{settings.SITE_URL.rstrip('/')}/orders/{order.number}/",
        },
    )
    EmailMessage(
        subject=gettext("Your order %(number)s is paid") % {"number": order.number},
        body=body,
        to=[order.buyer.email],
        # A mail system that gets the same fact twice may tell so by this.
        headers={"Message-ID": f"<order-paid-{event_id}@liveshop>"},
    ).send()
