"""The buyer gets a mail about each paid order, with its lines and where to follow it."""

import socket
import time

import pytest
from django.core import mail

from shops.catalog.models import ShopStaff
from shops.facts.models import Event
from shops.facts.publishing import read
from shops.orders.reactions import send_receipt, send_receipts, tell_shops
from shops.orders.services import mark_paid
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ShopStaffFactory

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


def test_those_of_many_orders_go_together(purchase, settings, now, django_assert_num_queries):
    settings.REMORSE_SECONDS = 0
    mark_paid(purchase_id=purchase.pk, now=now)
    paid = [(one.pk, read(one)) for one in Event.objects.filter(kind="OrderPaid").order_by("pk")]
    released = [
        (one.pk, read(one)) for one in Event.objects.filter(kind="OrderReleased").order_by("pk")
    ]
    shops = [fact.shop_id for _pk, fact in released]
    ShopStaff.objects.filter(shop__in=shops).delete()
    for shop_id in shops:
        ShopStaffFactory(shop_id=shop_id, user=UserFactory(email=f"of-{shop_id}@example.com"))
        ShopStaffFactory(shop_id=shop_id, user=UserFactory(is_active=False))
    mail.outbox.clear()

    with django_assert_num_queries(2):
        send_receipts(paid, now=now)
    subjects = [f"Your order {fact.number} is paid" for _, fact in paid]
    assert len(subjects) > 1
    assert [letter.subject for letter in mail.outbox] == subjects
    for letter, (pk, _fact) in zip(mail.outbox, paid, strict=True):
        assert letter.extra_headers == {"Message-ID": f"<order-paid-{pk}@liveshop>"}
    assert ["Lamp" in letter.body for letter in mail.outbox] == [False, True]

    mail.outbox.clear()
    with django_assert_num_queries(3):
        tell_shops(released, now=now)
    assert [letter.to for letter in mail.outbox] == [
        [f"of-{shop_id}@example.com"] for shop_id in shops
    ]
