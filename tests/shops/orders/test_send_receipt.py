"""The buyer gets a mail about each paid order, with its lines and where to follow it."""

import pytest
from django.core import mail

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.orders.reactions import send_receipt
from shops.orders.services import mark_paid

pytestmark = pytest.mark.django_db


def test_it_names_what_was_paid(order, purchase, alice, settings, now):
    settings.SITE_URL = "https://shop.example/"
    mark_paid(purchase_id=purchase.pk, now=now)
    event = Event.objects.get(kind="OrderPaid", payload__order_id=order.pk)
    send_receipt(read(event), event_id=event.pk, now=now)
    (letter,) = mail.outbox
    assert letter.to == [alice.email]
    assert letter.subject == f"Your order {order.number} is paid"
    assert "2 × Mug (red): €39.80" in letter.body
    assert "Total paid: €39.80" in letter.body
    assert f"https://shop.example/orders/{order.number}/" in letter.body
    assert "Lamp" not in letter.body


def test_names_are_written_as_they_are(order, purchase, alice, now):
    alice.display_name = "Al & Ice <3"
    alice.save()
    mark_paid(purchase_id=purchase.pk, now=now)
    event = Event.objects.get(kind="OrderPaid", payload__order_id=order.pk)
    send_receipt(read(event), event_id=event.pk, now=now)
    assert "Hello Al & Ice <3," in mail.outbox[0].body
