"""The buyer gets a mail about each paid order, with its lines and where to follow it."""

import socket
import time

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


def test_a_mail_server_that_is_silent_does_not_keep_the_worker(order, purchase, settings, now):
    mark_paid(purchase_id=purchase.pk, now=now)
    event = Event.objects.get(kind="OrderPaid", payload__order_id=order.pk)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        assert settings.EMAIL_TIMEOUT <= 5
        settings.EMAIL_TIMEOUT = 0.5
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            send_receipt(read(event), event_id=event.pk, now=now)
    assert time.monotonic() - began < 10
