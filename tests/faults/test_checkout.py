"""What checkout stands on goes away while people buy: nothing is lost, sold or charged twice."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import psycopg
import pytest
from django.conf import settings as django_settings

from shops.orders.models import Order
from shops.payments import services as payments
from shops.payments.models import Payment
from shops.stock.models import Hold, Stock
from tests.doors import Visitor
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.payments import make_payment
from tests.faults.test_postgres_restart import OwnSite, away, state
from tests.faults.valkey import OwnValkey
from tests.provider import Provider
from tests.servers import PROJECT, Site

__all__ = ["state"]


# --- The provider ---------------------------------------------------------------------------


@pytest.fixture
def black_hole():
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as hole:
        yield f"http://127.0.0.1:{hole.getsockname()[1]}"


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_never_answers_is_asked_again_and_charges_once(
    black_hole, tmp_path, settings, alice, now
):
    settings.PAYMENTS_SANDBOX_URL = black_hole
    settings.PAYMENTS_TIMEOUT_SECONDS = 0.3
    payment = make_payment(alice, now=now, pay_within=timedelta(minutes=2))
    first_deadline = payment.purchase.pay_by

    assert payments.start(payment_id=payment.pk, now=now).state == "unknown"
    # It gets more time, once.
    payment.purchase.refresh_from_db()
    given = payment.purchase.pay_by
    assert given > first_deadline
    later = now + payments.SETTLE_AFTER * 2
    assert payments.settle_unknown(now=later) == 0
    payment.refresh_from_db()
    payment.purchase.refresh_from_db()
    assert (payment.state, payment.purchase.pay_by) == ("unknown", given)
    with pytest.raises(payments.PaymentUnderWay):
        payments.create_payment(purchase=payment.purchase, card_token="tok_success", now=now)

    provider = Provider(tmp_path)
    settings.PAYMENTS_SANDBOX_URL = provider.url
    settings.PAYMENTS_TIMEOUT_SECONDS = 5
    try:
        provider.start()
        assert payments.settle_unknown(now=later) == 1
    finally:
        provider.kill()
    payment.refresh_from_db()
    assert payment.state == "captured"
    assert Payment.objects.count() == 1


# --- Valkey ---------------------------------------------------------------------------------


@pytest.fixture
def valkey(tmp_path):
    own = OwnValkey(tmp_path / "valkey.log").start()
    yield own
    own.stop()


@pytest.mark.campaign
@pytest.mark.django_db(transaction=True)
def test_valkey_is_flushed_and_killed_while_people_buy(valkey, tmp_path, shop, buyers):
    lamp = SkuFactory(product=ProductFactory(shop=shop), on_hand=100)
    site = Site(logs=tmp_path, settings={"REDIS_URL": valkey.url})
    people = buyers(60)
    with contextlib.ExitStack() as stack:
        stack.callback(site.stop)
        site.start("provider", "web")

        # In this thread: signing in talks to the database, by a connection of the thread's own.
        visitors = [stack.enter_context(Visitor(site, person)) for person in people]

        def buy(numbered):
            number, visitor = numbered
            if number == 15:
                with socket.create_connection(("127.0.0.1", valkey.port)) as door:
                    door.sendall(b"FLUSHALL\r\n")
                    assert door.recv(100) == b"+OK\r\n"
            if number == 30:
                valkey.kill()
            if number == 45:
                valkey.start()
            return visitor.buy(lamp.pk).status_code

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(buy, enumerate(visitors)))

    assert set(answers) == {201}, site.log("web")[-3000:]
    assert Order.objects.filter(paid_at__isnull=False).count() == 60
    level = Stock.objects.get(pk=lamp.pk)
    assert (level.on_hand, level.reserved) == (100, 60)
    assert Hold.objects.filter(state="committed").count() == 60


# --- PostgreSQL -----------------------------------------------------------------------------

# Runs beside a site of its own, which this process's Django knows nothing of.
_SEED = """
import django, json
django.setup()
from django.conf import settings
from django.test import Client
from tests.factories.accounts import AddressFactory, UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
sku = SkuFactory(product=ProductFactory(shop=ShopFactory()), on_hand=1000)
cookies = []
for _ in range(40):
    user = UserFactory()
    AddressFactory(user=user)
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    cookies.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
print(json.dumps({"sku": sku.pk, "cookies": cookies}))
"""


@pytest.mark.campaign
@pytest.mark.django_db
def test_postgresql_is_stopped_while_people_buy_and_no_acknowledged_order_is_lost(state, tmp_path):
    from liveshop import embedded

    provider = Provider(tmp_path).start()
    with embedded.lease(state, fast=False) as lease:
        site = OwnSite(
            logs=tmp_path,
            settings={
                "DATABASE_URL": lease.urls.database,
                "REDIS_URL": lease.urls.redis,
                "LIVESHOP_STATE": str(state),
                "DATABASE_POOL": "8",
                "PAYMENTS_SANDBOX_URL": provider.url,
            },
        )
        run = {"cwd": PROJECT, "env": site.environment, "check": True}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], **run)
        seeded = subprocess.run([sys.executable, "-c", _SEED], capture_output=True, **run)
        made = json.loads(seeded.stdout.splitlines()[-1])
        acknowledged, refused, over = [], [], threading.Event()

        def buy_on(cookie):
            with Visitor(site) as visitor:
                visitor.http.cookies.set(
                    django_settings.SESSION_COOKIE_NAME, cookie, domain="127.0.0.1"
                )
                while not over.is_set():
                    with contextlib.suppress(httpx.TransportError):
                        answer = visitor.buy(made["sku"])
                        if answer.status_code == 201:
                            acknowledged.append(answer.json()["number"])
                        else:
                            refused.append(answer.status_code)
                            time.sleep(0.2)

        try:
            site.start("web")
            with ThreadPoolExecutor(8) as pool:
                tasks = [pool.submit(buy_on, cookie) for cookie in made["cookies"][:8]]
                time.sleep(5)
                before = len(acknowledged)
                with away(state):
                    time.sleep(3)
                during = len(acknowledged)
                deadline = time.monotonic() + 20
                while len(acknowledged) < during + 10:
                    assert time.monotonic() < deadline, site.log("web")[-3000:]
                    time.sleep(0.1)
                over.set()
                for task in tasks:
                    task.result(30)
        finally:
            over.set()
            site.stop()
            provider.kill()
        with psycopg.connect(lease.urls.database) as connection:
            numbers = {row[0] for row in connection.execute("SELECT number FROM orders_order")}
            twice = connection.execute(
                "SELECT count(*) FROM (SELECT purchase_id FROM payments_payment"
                " WHERE state = 'captured' GROUP BY 1 HAVING count(*) > 1) AS twice"
            ).fetchone()[0]
            [(on_hand, reserved, kept)] = connection.execute(
                "SELECT on_hand, reserved, (SELECT coalesce(sum(quantity), 0) FROM stock_hold"
                " WHERE state IN ('held', 'committed')) FROM stock_stock"
            ).fetchall()

    assert before > 0
    assert set(acknowledged) <= numbers
    assert len(set(acknowledged)) == len(acknowledged)
    assert twice == 0
    assert on_hand == 1000
    assert reserved == kept
    # Whoever was not served was told to come again.
    assert set(refused) <= {503}
