"""Races for goods and money over HTTP on running servers, and what they are without a guard."""

import random
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from shops.checkout import services as checkout
from shops.orders.models import Order, OrderEvent, Purchase
from shops.payments import services as payments
from shops.payments.events import PaymentCaptured
from shops.payments.models import Payment, PaymentEvent, Refund
from shops.payments.reactions import post_capture
from shops.payouts import planning, settling
from shops.payouts.models import Settlement
from shops.returns.models import Return
from shops.stock.models import Hold, Stock
from tests.doors import Visitor
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.payments import make_payment, message, report, signed
from tests.factories.returns import sent_order
from tests.servers import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

WEBHOOK = "/payments/webhooks/sandbox/"


@pytest.fixture
def careless(tmp_path, transactional_db):
    """careless(guard) starts a site with one guard of its money off."""
    with ExitStack() as stack:

        def start(guard):
            site = Site(
                logs=tmp_path,
                app="tests.flows.careless:application",
                settings={"CARELESS": guard},
            )
            stack.callback(site.stop)
            return site.start("provider", "web")

        yield start


@pytest.fixture
def sku(shop):
    """sku(units) makes a SKU of carol's."""
    return lambda units: SkuFactory(product=ProductFactory(shop=shop), on_hand=units)


def at_once(jobs, *, most=100):
    """Do all jobs at the same time; returns what each gave, an exception as it is."""
    ready = threading.Barrier(min(len(jobs), most))

    def run(numbered):
        number, job = numbered
        if number < most:
            ready.wait(60)
        try:
            return job()
        except Exception as error:
            return error
        finally:
            # Each thread has one of its own, which nobody else would close.
            connection.close()

    with ThreadPoolExecutor(most) as pool:
        return list(pool.map(run, enumerate(jobs)))


# --- Many buyers, few units -------------------------------------------------------------------


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(20))
def test_five_hundred_buyers_get_exactly_fifty_units(site, sku, buyers, seed):
    chance = random.Random(seed)
    lamp = sku(50)
    people = buyers(500)
    chance.shuffle(people)
    wanted = [chance.choice([1, 1, 1, 2, 3]) for _ in people]
    with ExitStack() as stack:
        visitors = [stack.enter_context(Visitor(site, person)) for person in people]
        jobs = [
            partial(visitor.buy_patiently, lamp.pk, quantity=units)
            for visitor, units in zip(visitors, wanted, strict=True)
        ]
        answers = at_once(jobs, most=60)

    answers = [answer.status_code for answer in answers]
    assert set(answers) == {201, 409}
    sold = sum(units for units, answer in zip(wanted, answers, strict=True) if answer == 201)
    level = Stock.objects.get(pk=lamp.pk)
    assert (level.on_hand, level.reserved) == (50, sold)
    assert sold <= 50
    # Nobody who wanted one unit was turned away while there was one.
    if sold < 50:
        assert not any(
            units <= 50 - sold and answer == 409
            for units, answer in zip(wanted, answers, strict=True)
        )
    assert Order.objects.filter(paid_at__isnull=False).count() == answers.count(201)


# --- One key ----------------------------------------------------------------------------------


def replay(site, alice, lamp, *, times):
    """Send the same order so often at once, then once more; returns the answers."""
    with Visitor(site, alice) as visitor:
        visitor.post("/cart/add/", {"sku": lamp.pk})
        page = visitor.get("/checkout/").text
        action = re.search(r'action="(/checkout/[0-9a-f-]{36}/place/)"', page)[1]
        address = re.search(r'name="address_choice"[^>]*value="(\d+)"', page)[1]
        form = {
            "address_choice": address,
            "card_token": "tok_success",
            "idempotency_key": f"one-key-{uuid.uuid4()}",
        }
        jobs = [lambda: visitor.post(action, form, json_answer=True)] * times
        return [*at_once(jobs), visitor.post(action, form, json_answer=True)]


def test_a_hundred_replays_of_one_key_are_one_order_and_one_answer(site, sku, alice):
    lamp = sku(10)

    answers = replay(site, alice, lamp, times=100)

    # 409: the first one is being worked on.
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert answers[-1].status_code == 201
    assert {answer.text for answer in answers if answer.status_code == 201} == {answers[-1].text}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "request_in_flight"
    }
    assert Order.objects.count() == Payment.objects.count() == Hold.objects.count() == 1


@pytest.mark.campaign
def test_control_without_keys_a_replay_is_told_something_else(careless, sku, alice):
    answers = replay(careless("keys"), alice, sku(10), times=10)

    assert answers[-1].status_code != 201


# --- Two carts with the same SKUs in opposite order -------------------------------------------


def opposite_carts(site, people, skus, *, rounds):
    """Let two people hold and give up the same SKUs in opposite order; returns the odd answers."""
    with ExitStack() as stack:
        visitors = [stack.enter_context(Visitor(site, person)) for person in people]
        for visitor, wanted in zip(visitors, (skus, skus[::-1]), strict=True):
            for one in wanted:
                visitor.post("/cart/add/", {"sku": one.pk})

        def hold_and_let_go(visitor):
            odd = []
            for _ in range(rounds):
                page = visitor.get("/checkout/")
                quote = re.search(r'action="(/checkout/[0-9a-f-]{36}/)cancel/"', page.text)
                if page.status_code != 200 or quote is None:
                    odd.append(page.status_code)
                    continue
                visitor.post(f"{quote[1]}cancel/")
            return odd

        found = at_once([lambda visitor=visitor: hold_and_let_go(visitor) for visitor in visitors])
    return [answer for odd in found for answer in odd]


@pytest.mark.campaign
def test_opposite_carts_never_wait_for_each_other(site, sku, buyers):
    lamps = [sku(1_000), sku(1_000)]

    assert opposite_carts(site, buyers(2), lamps, rounds=1_000) == []

    assert [Stock.objects.get(pk=lamp.pk).reserved for lamp in lamps] == [0, 0]


@pytest.mark.campaign
def test_control_without_an_order_of_locks_they_do(careless, sku, buyers):
    lamps = [sku(1_000), sku(1_000)]

    assert opposite_carts(careless("order"), buyers(2), lamps, rounds=40)


# --- Webhook against button -------------------------------------------------------------------


def told_twice(site, payment, *, times):
    """Have the provider tell of a payment so often at once, each time by another message."""
    body = message(payment, "succeeded")

    def webhook():
        headers = signed(body, secret=settings.PAYMENTS_SANDBOX_SECRET)
        return visitor.http.post(WEBHOOK, content=body, headers=headers).status_code

    with Visitor(site) as visitor:
        return at_once([webhook] * times)


def test_however_often_a_payment_is_told_of_it_is_taken_once(site, alice, now):
    payment = make_payment(alice, now=now)

    answers = told_twice(site, payment, times=20)

    assert set(answers) == {204}
    assert PaymentEvent.objects.filter(payment=payment, to_state="captured").count() == 1
    for order in payment.purchase.orders.all():
        assert order.is_paid
        assert OrderEvent.objects.filter(order=order, from_state="unpaid").count() == 1


@pytest.mark.campaign
def test_control_without_row_locks_it_is_taken_more_often(careless, alice, now):
    payment = make_payment(alice, now=now)

    told_twice(careless("locks"), payment, times=20)

    assert PaymentEvent.objects.filter(payment=payment, to_state="captured").count() > 1


# --- Expiry against payment -------------------------------------------------------------------


def test_an_order_is_paid_or_expired_and_then_the_money_goes_back(site, alice, now):
    made = [make_payment(alice, now=now, prices=(1990,)) for _ in range(20)]
    Purchase.objects.update(pay_by=Now() - timedelta(seconds=1))
    # Known to have failed, so their orders may expire; some are tried again in that moment.
    for payment in made[::2]:
        payments.apply(payment_id=payment.pk, report=report(payment, "failed"), now=now)
    sweep = partial(checkout.expire_due_purchases, now=datetime.now(UTC))
    with Visitor(site) as visitor:

        def tell(payment):
            body = message(payment, "succeeded")
            headers = signed(body, secret=settings.PAYMENTS_SANDBOX_SECRET)
            return visitor.http.post(WEBHOOK, content=body, headers=headers).status_code

        told = [partial(tell, payment) for payment in made[1::2]]
        answers = at_once([*[sweep] * 6, *told], most=16)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    for number, payment in enumerate(made):
        payment.refresh_from_db()
        [order] = payment.purchase.orders.all()
        hold = Hold.objects.get(pk=order.lines.get().hold_id)
        assert payment.state == ("captured" if number % 2 else "failed")
        if order.is_paid:
            assert payment.state == "captured"
            assert not Refund.objects.filter(payment=payment).exists()
            assert hold.state == "committed"
        else:
            assert order.state == "expired"
            assert hold.state == "released"
            assert Refund.objects.filter(payment=payment).count() == number % 2


# --- Return against payout --------------------------------------------------------------------


def returns_against_settling(site, orders):
    """Have buyers ask to return while the money of the same orders is released; both at once."""
    with ExitStack() as stack:
        visitors = [stack.enter_context(Visitor(site, order.buyer)) for order in orders]

        def ask(visitor, order):
            form = {
                "reason": "changed_mind",
                "idempotency_key": f"back-{uuid.uuid4()}",
                **{f"units-{line.pk}": "1" for line in order.lines.all()},
            }
            return visitor.post(f"/orders/{order.number}/return/", form, json_answer=True)

        def settle(order):
            # Requests take a while to come in: either may be first.
            time.sleep(random.uniform(0, 0.8))
            return settling.settle(order_id=order.pk, now=datetime.now(UTC))

        jobs = []
        for visitor, order in zip(visitors, orders, strict=True):
            jobs.append(partial(ask, visitor, order))
            jobs.append(partial(settle, order))
        random.shuffle(jobs)
        return at_once(jobs, most=2 * len(orders))


@pytest.fixture
def due(buyers, shop, now):
    """due(n) makes n orders of different buyers whose money is to be released now."""

    def make(count):
        found = []
        for buyer in buyers(count):
            order = sent_order(buyer, shop, now=now, delivered_ago=timedelta(days=8))
            with transaction.atomic():
                post_capture(
                    PaymentCaptured(
                        payment_id=str(order.purchase.payments.get().pk),
                        purchase_id=str(order.purchase_id),
                        amount_minor=order.total_minor,
                        currency=order.currency,
                    ),
                    event_id=0,
                    now=now,
                )
                planning.plan([order.pk], now=now)
            found.append(order)
        return found

    return make


def released_while_open(orders):
    """Name the orders that were released though a return of them was there already.

    Both take the order's row first, and a transaction gets its number then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT settled.order_id FROM payouts_settlement AS settled"
            " JOIN returns_return AS back ON back.order_id = settled.order_id"
            " WHERE settled.state = 'settled' AND age(back.xmin) > age(settled.xmin)"
        )
        wrong = {order_id for (order_id,) in cursor.fetchall()}
    return [order.number for order in orders if order.pk in wrong]


def test_money_of_what_is_sent_back_is_not_released(site, due):
    orders = due(12)

    answers = returns_against_settling(site, orders)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert Return.objects.count() == len(orders)
    assert released_while_open(orders) == []
    # Later, either: what is open stays in escrow.
    waiting = set(Settlement.objects.filter(state="waiting").values_list("order_id", flat=True))
    assert not any(settling.settle(order_id=pk, now=datetime.now(UTC)) for pk in waiting)


@pytest.mark.campaign
def test_control_without_a_look_at_returns_it_is(site, due, monkeypatch):
    monkeypatch.setattr(settling, "open_for", lambda order_ids: set())
    orders = due(12)

    returns_against_settling(site, orders)

    assert released_while_open(orders)
