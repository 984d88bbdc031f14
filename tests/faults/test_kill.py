"""A process dies by kill -9 at a step of checkout: all of it happened or nothing, and once.

The buyer's client knows only that the connection broke. It asks again with the same key, and gets
what it would have got.
"""

import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now
from procrastinate.exceptions import AlreadyEnqueued

from shops.facts.models import Reaction
from shops.facts.tasks import rescue_jobs
from shops.ledger.models import Entry, Journal
from shops.orders.models import Order
from shops.payments import services as payments
from shops.payments.models import Payment
from shops.stock import services as stock
from shops.stock.models import Hold, Stock
from tests.doors import Visitor
from tests.factories.accounts import AddressFactory
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.payments import make_payment
from tests.provider import Provider
from tests.servers import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]
campaign = pytest.mark.campaign

BEFORE_ANYTHING_IS_HELD = "shops.stock.services:hold_each:before"
HELD_WITHOUT_A_QUOTE = "shops.stock.services:hold_each:after"
QUOTED = "shops.checkout.services.starting:_write:after"
ORDERING = [
    "shops.stock.services:commit_all:after",
    "shops.orders.services:write:after",
    "shops.checkout.services.placing:publish_behind:after",
]
ORDERED_NOT_ASKED = "shops.payments.services:start_new:before"
CHARGED_NOT_APPLIED = "shops.payments.charges:apply:before"
APPLYING = "shops.payments.applying:publish_behind:after"
APPLIED_NOT_ANSWERED = "shops.payments.charges:apply:after"


class DyingSite(Site):
    """A site whose web part or worker dies at `settings["DIES_AT"]`, once."""

    def _arguments(self, part):
        if part == "worker":
            return ["-m", "tests.faults.dying_worker"]
        return super()._arguments(part)

    def wait_for_death(self, part, *, patience=40):
        assert self._running[part].wait(patience) == -9, self.log(part)[-3000:]


@pytest.fixture(autouse=True)
def no_jobs(transactional_db):
    """Jobs outlive the tests that left them: their table is not one of Django's."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def provider(tmp_path, settings):
    running = Provider(tmp_path)
    settings.PAYMENTS_SANDBOX_URL = running.url
    try:
        yield running.start()
    finally:
        running.kill()


@pytest.fixture
def start(provider, tmp_path):
    """start(step, part) starts a site that dies at a step; the provider lives on."""
    with contextlib.ExitStack() as stack:

        def begin(step, part="web"):
            site = DyingSite(
                logs=tmp_path,
                app="tests.faults.dying_web:application",
                settings={
                    "DIES_AT": step,
                    "DIES_ONCE": str(tmp_path / "died"),
                    "PAYMENTS_SANDBOX_URL": provider.url,
                },
            )
            stack.callback(site.stop)
            return site.start(part)

        yield begin


@pytest.fixture
def lamp(transactional_db, shop):
    return SkuFactory(product=ProductFactory(shop=shop), on_hand=5)


def begin_anew(site):
    site.wait_for_death("web")
    site.start_one("web")
    site.wait()


def place(visitor, page, key):
    """Send the checkout's form with a key; None when the connection broke."""
    action = re.search(r'action="(/checkout/[0-9a-f-]{36}/place/)"', page)[1]
    address = re.search(r'name="address_choice"[^>]*value="(\d+)"', page)[1]
    form = {"address_choice": address, "card_token": "tok_success", "idempotency_key": key}
    with contextlib.suppress(httpx.TransportError):
        return visitor.post(action, form, json_answer=True)
    return None


def take_for_dead():
    """Have the jobs of a dead worker done again, as its missing heartbeat does by and by."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'")
    # It may wait already: it comes each minute.
    with contextlib.suppress(AlreadyEnqueued):
        rescue_jobs.defer(timestamp=0)


def wait_for_jobs(site, *, patience=60):
    deadline = time.monotonic() + patience
    left = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'facts' AND status <> %s"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(left, ["succeeded"])
            if not cursor.fetchone()[0]:
                return
        assert time.monotonic() < deadline, site.log("worker")[-3000:]
        time.sleep(0.1)


def reconcile():
    """Let the reconciler come by, later."""
    payments.settle_unknown(now=datetime.now(UTC) + payments.SETTLE_AFTER * 2)


def check_one_paid_order(lamp, provider):
    order = Order.objects.get()
    assert order.is_paid
    payment = Payment.objects.get()
    assert payment.state == "captured"
    charge = provider.ask("GET", f"/v1/charges/{payment.pk}").json()
    assert (charge["state"], charge["amount_minor"]) == ("succeeded", order.purchase.total_minor)
    assert [hold.state for hold in Hold.objects.all()] == ["committed"]
    level = Stock.objects.get(pk=lamp.pk)
    assert (level.on_hand, level.reserved) == (5, 1)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=campaign, id=step)
        for step in (BEFORE_ANYTHING_IS_HELD, HELD_WITHOUT_A_QUOTE, QUOTED)
    ],
)
def test_before_the_order_nothing_is_bought_and_what_was_held_runs_out(
    start, provider, alice, lamp, step
):
    site = start(step)
    with Visitor(site, alice) as visitor:
        visitor.post("/cart/add/", {"sku": lamp.pk})
        with pytest.raises(httpx.TransportError):
            visitor.get("/checkout/")
        begin_anew(site)

        assert not Order.objects.exists()
        page = visitor.get("/checkout/").text
        assert place(visitor, page, "a-key-of-mine").status_code == 201

    Hold.objects.filter(state="held").update(expires_at=Now() - timedelta(seconds=1))
    stock.expire_due(now=datetime.now(UTC))
    assert Order.objects.get().is_paid
    assert set(Hold.objects.values_list("state", flat=True)) <= {"committed", "expired"}
    assert Stock.objects.get(pk=lamp.pk).reserved == 1


@pytest.mark.parametrize(
    "step",
    [
        *[pytest.param(step, marks=campaign, id=step) for step in ORDERING[:-1]],
        pytest.param(ORDERING[-1], id=ORDERING[-1]),
    ],
)
def test_while_it_is_ordered_nothing_happened_and_the_same_key_orders_once(
    start, provider, alice, lamp, step
):
    site = start(step)
    with Visitor(site, alice) as visitor:
        visitor.post("/cart/add/", {"sku": lamp.pk})
        page = visitor.get("/checkout/").text
        assert place(visitor, page, "a-key-of-mine") is None
        begin_anew(site)

        assert not Order.objects.exists()
        assert not Payment.objects.exists()
        assert [hold.state for hold in Hold.objects.all()] == ["held"]
        # The key was to be written with the order, so nobody has it.
        answer = place(visitor, page, "a-key-of-mine")
        assert answer.status_code == 201
        assert place(visitor, page, "a-key-of-mine").json() == answer.json()

    check_one_paid_order(lamp, provider)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(ORDERED_NOT_ASKED, marks=campaign, id=ORDERED_NOT_ASKED),
        pytest.param(CHARGED_NOT_APPLIED, id=CHARGED_NOT_APPLIED),
        pytest.param(APPLYING, marks=campaign, id=APPLYING),
        pytest.param(APPLIED_NOT_ANSWERED, marks=campaign, id=APPLIED_NOT_ANSWERED),
    ],
)
def test_once_it_is_ordered_the_same_key_gets_that_order_and_it_is_charged_once(
    start, provider, alice, lamp, step
):
    site = start(step)
    with Visitor(site, alice) as visitor:
        visitor.post("/cart/add/", {"sku": lamp.pk})
        page = visitor.get("/checkout/").text
        assert place(visitor, page, "a-key-of-mine") is None
        begin_anew(site)

        answer = place(visitor, page, "a-key-of-mine")
        assert answer.status_code == 201
        assert answer.json()["number"] == Order.objects.get().number

    reconcile()
    check_one_paid_order(lamp, provider)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("shops.orders.services:write:after", marks=campaign, id="ordering"),
        pytest.param("shops.checkout.services.placing:share:after", id="ordered"),
        pytest.param("shops.payments.applying:publish_behind:after", marks=campaign, id="applying"),
        pytest.param("shops.payments.charges:apply:after", marks=campaign, id="applied"),
    ],
)
def test_who_order_in_one_transaction_get_one_order_each_and_are_charged_once(
    start, provider, shop, now, step
):
    lamp = SkuFactory(product=ProductFactory(shop=shop), on_hand=12)
    people = [AddressFactory().user for _ in range(12)]
    site = start(step)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(12) as pool:
        visitors = [stack.enter_context(Visitor(site, one)) for one in people]
        pages = []
        for visitor in visitors:
            visitor.post("/cart/add/", {"sku": lamp.pk})
            pages.append(visitor.get("/checkout/").text)
        keys = [f"a-key-of-{one.pk}" for one in people]
        first = list(pool.map(place, visitors, pages, keys))
        assert None in first
        begin_anew(site)

        answers = list(pool.map(place, visitors, pages, keys))

    assert [answer.status_code for answer in answers] == [201] * 12
    for before, answer in zip(first, answers, strict=True):
        assert before is None or before.json() == answer.json()
    numbers = [answer.json()["number"] for answer in answers]
    assert numbers == [Order.objects.get(buyer=one).number for one in people]
    reconcile()
    for payment in Payment.objects.all():
        charge = provider.ask("GET", f"/v1/charges/{payment.pk}").json()
        assert (payment.state, charge["state"]) == ("captured", "succeeded")
    assert Payment.objects.count() == Order.objects.filter(paid_at__isnull=False).count() == 12
    assert Hold.objects.filter(state="committed").count() == Stock.objects.get(pk=lamp.pk).reserved


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, id=step, marks=marks)
        for step, marks in (
            ("shops.facts.tasks:carry_out_job:before", campaign),
            ("shops.payments.reactions:post_all:after", ()),
            ("shops.facts.tasks:carry_out_job:after", campaign),
        )
    ],
)
def test_a_worker_that_dies_posts_once(start, provider, alice, now, step):
    payment = make_payment(alice, now=now)
    payments.start(payment_id=payment.pk, now=now)
    site = start(step, "worker")
    site.wait_for_death("worker")
    # Others may have been carried out before; of this one there is all or nothing.
    in_the_books = Reaction.objects.filter(name="shops.payments.reactions.post_capture")
    assert Journal.objects.exists() == in_the_books.exists()

    take_for_dead()
    site.start_one("worker")
    wait_for_jobs(site)
    assert Journal.objects.count() == payment.purchase.orders.count()
    entries = Entry.objects.values_list("side", "amount_minor")
    assert sum(amount if side == "debit" else -amount for side, amount in entries) == 0
    debits = sum(amount for side, amount in entries if side == "debit")
    assert debits == payment.purchase.total_minor
