"""Reports about many payments in one transaction: each as if it were alone."""

import contextlib
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shops.facts.batching import Heat
from shops.facts.models import Event
from shops.facts.refused import NotFound, Refused
from shops.orders import services as orders
from shops.orders.models import OrderEvent, OrderLine
from shops.payments import applying, services, statements
from shops.payments.models import Payment, PaymentEvent, ProviderMessage
from shops.stock import services as stock
from shops.stock.models import Hold
from shops.stock.services import Wanted
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.orders import place_one
from tests.factories.payments import ADDRESS, make_payment, message, report

pytestmark = pytest.mark.django_db(transaction=True)


def asked(payment, state, now, **changes):
    said = report(payment, state, **{"ref": f"ch_{payment.pk.hex[:8]}", **changes})
    return applying.ask_of(said, payment_id=payment.pk, now=now)


def together(asks):
    """Apply reports as the batcher's thread does."""
    answers = []
    applying.take(asks, answers.append)
    [told] = answers
    return told


def alone(ask):
    try:
        return applying.move(ask)
    except Refused as refused:
        return refused


def payments(count, now):
    return [make_payment(UserFactory(), now=now, prices=(700,)) for _ in range(count)]


# --- Kinds of payments ------------------------------------------------------------------------


def plain(now, settings):
    return make_payment(UserFactory(), now=now)


def expired(now, settings):
    payment = plain(now, settings)
    orders.expire(purchase_id=payment.purchase_id, now=payment.purchase.pay_by)
    return payment


def expired_and_sold(now, settings):
    payment = make_payment(UserFactory(), now=now, prices=(700,), on_hand=1)
    orders.expire(purchase_id=payment.purchase_id, now=payment.purchase.pay_by)
    take_one(OrderLine.objects.get(order__purchase=payment.purchase).sku_id, now)
    return payment


def cancelled(now, settings):
    payment = plain(now, settings)
    orders.cancel(order_id=payment.purchase.orders.first().pk, reason="", now=now)
    return payment


def first_paid(now, settings):
    sku = SkuFactory(product=ProductFactory(shop=ShopFactory()), on_hand=1, price_minor=700)
    purchase = place_one(
        buyer_id=UserFactory().pk,
        quote_id=uuid.uuid4(),
        lines=[
            orders.LineToPlace(
                sku_id=sku.pk,
                hold_id=uuid.uuid4(),
                quantity=1,
                unit_price_minor=700,
                is_first_paid=True,
            )
        ],
        address=ADDRESS,
        currency="EUR",
        now=now,
        pay_by=now + timedelta(minutes=10),
    )
    return services.create_payment(purchase=purchase, card_token="tok_success", now=now)


def first_paid_and_sold(now, settings):
    payment = first_paid(now, settings)
    take_one(OrderLine.objects.get(order__purchase=payment.purchase).sku_id, now)
    return payment


def authorized(now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    payment = plain(now, settings)
    services.apply(payment_id=payment.pk, report=report(payment, "authorized"), now=now)
    return payment


def captured(now, settings):
    payment = plain(now, settings)
    services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    return payment


def take_one(sku_id, now):
    wanted = [Wanted(hold_id=uuid.uuid4(), sku_id=sku_id, quantity=1)]
    stock.hold(wanted=wanted, now=now, ttl=timedelta(minutes=5))


# What is reported of which kind, in the order of the batch.
REPORTS = [
    (plain, "succeeded", {}),
    (plain, "failed", {}),
    (plain, "requires_action", {"action_url": "https://bank.example/"}),
    (plain, "pending", {}),
    (plain, "authorized", {}),
    (plain, "succeeded", {"amount_minor": 1}),
    (plain, "succeeded", {"captured_minor": 1}),
    (authorized, "succeeded", {"captured_minor": 1000}),
    (expired, "succeeded", {}),
    (expired_and_sold, "succeeded", {}),
    (cancelled, "succeeded", {}),
    (first_paid, "succeeded", {}),
    (first_paid_and_sold, "succeeded", {}),
    (captured, "succeeded", {}),
    (captured, "failed", {}),
    (plain, "cancelled", {}),
]


def all_about(payment, answer):
    """Tell all that became of a payment, but for ids and times."""
    payment.refresh_from_db()
    purchase = payment.purchase
    mine = list(purchase.orders.order_by("pk"))
    holds = OrderLine.objects.filter(order__purchase=purchase).values_list("hold_id", flat=True)
    about = [
        *Event.objects.filter(payload__payment_id=str(payment.pk)),
        *Event.objects.filter(payload__purchase_id=str(purchase.pk), kind__startswith="Order"),
    ]
    return {
        "answer": answer.code if isinstance(answer, Refused) else answer.state,
        "payment": [
            getattr(payment, name)
            for name in (
                "state",
                "failure_code",
                "action_url",
                "captured_minor",
                "captured_at",
                "refunds_minor",
                "extended_at",
            )
        ],
        "waits": purchase.pay_by - purchase.placed_at,
        "history": list(payment.events.order_by("pk").values_list("from_state", "to_state")),
        "orders": [(one.state, one.paid_at, one.refunded_minor) for one in mine],
        "histories": [
            list(one.events.order_by("pk").values_list("from_state", "to_state", "reason"))
            for one in mine
        ],
        "refunds": sorted(payment.refunds.values_list("state", "amount_minor", "source")),
        "holds": sorted(Hold.objects.filter(pk__in=holds).values_list("state", flat=True)),
        "facts": sorted(one.kind for one in about),
    }


def test_mixed_reports_do_in_one_batch_what_each_does_alone(now, settings):
    before = settings.PAYMENT_CAPTURE
    worlds = []
    for _ in range(2):
        made = []
        for kind, state, changes in REPORTS:
            settings.PAYMENT_CAPTURE = before
            payment = kind(now, settings)
            made.append((payment, asked(payment, state, now, **changes)))
        worlds.append(made)
    settings.PAYMENT_CAPTURE = before

    in_batch = together([ask for _, ask in worlds[0]])
    each = [alone(ask) for _, ask in worlds[1]]

    for number, (kind, state, _) in enumerate(REPORTS):
        one = all_about(worlds[0][number][0], in_batch[number])
        other = all_about(worlds[1][number][0], each[number])
        assert one == other, (kind.__name__, state)
    assert [getattr(answer, "state", None) or answer.code for answer in in_batch] == [
        *("captured", "failed", "requires_action", "unknown", "authorized"),
        *("amount_differs", "amount_differs"),
        *["captured"] * 8,
        "cancelled",
    ]


def test_a_report_about_nobody_and_a_wrong_one_are_refused_and_touch_no_other(now):
    first, second, third = payments(3, now)
    nobody = asked(first, "succeeded", now)._replace(payment_id=uuid.uuid4())

    answers = together(
        [
            asked(first, "succeeded", now),
            nobody,
            asked(second, "succeeded", now, amount_minor=1),
            asked(third, "succeeded", now),
        ]
    )

    assert [type(answer) for answer in answers] == [
        Payment,
        NotFound,
        services.AmountDiffers,
        Payment,
    ]
    states = Payment.objects.order_by("created_at", "pk").values_list("state", flat=True)
    assert sorted(states) == ["captured", "captured", "created"]
    assert not any(order.is_paid for order in second.purchase.orders.all())


def test_two_reports_about_one_payment_come_one_after_the_other(now):
    [payment, other] = payments(2, now)

    answers = together(
        [
            asked(payment, "requires_action", now),
            asked(other, "succeeded", now),
            asked(payment, "succeeded", now),
            asked(payment, "failed", now),
        ]
    )

    assert [answer.state for answer in answers] == [
        "requires_action",
        "captured",
        "captured",
        "captured",
    ]
    states = list(payment.events.order_by("pk").values_list("to_state", flat=True))
    assert states == ["created", "requires_action", "captured"]


def test_messages_are_taken_in_with_what_they_tell_and_once(now):
    made = payments(3, now)

    def told(payment, name, **changes):
        body = message(payment, "succeeded", **changes).decode()
        return asked(payment, "succeeded", now, **changes)._replace(
            message=statements.Message("sandbox", name, body)
        )

    asks = [told(made[0], "a"), told(made[1], "b"), told(made[2], "c", amount_minor=1)]
    first = together(asks)
    again = together([asks[0], asks[1]._replace(message=None)])

    assert [getattr(one, "state", None) for one in first] == ["captured", "captured", None]
    assert isinstance(again[0], applying.Known)
    assert again[1].state == "captured"
    # The one that was refused may come again.
    assert sorted(ProviderMessage.objects.values_list("message_id", flat=True)) == ["a", "b"]
    assert [one.body["data"]["key"] for one in ProviderMessage.objects.order_by("pk")] == [
        str(made[0].pk),
        str(made[1].pk),
    ]


def test_a_batch_asks_the_database_as_often_for_many_as_for_two(now):
    counts = []
    for many in (2, 12):
        asks = [asked(payment, "succeeded", now) for payment in payments(many, now)]
        with CaptureQueriesContext(connection) as asked_for:
            together(asks)
        counts.append(len(asked_for))

    assert counts[0] == counts[1]


# --- At once ----------------------------------------------------------------------------------


def at_once(*jobs):
    """Do all jobs at the same time; returns what they failed by."""
    ready, failures = threading.Barrier(len(jobs)), []

    def run(job):
        ready.wait(30)
        try:
            job()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures


def test_batches_with_the_same_payments_in_opposite_order_take_turns(now):
    asks = [asked(payment, "succeeded", now) for payment in payments(12, now)]

    failures = at_once(*[lambda some=some: together(some) for some in (asks, asks[::-1]) * 3])

    assert failures == []
    assert PaymentEvent.objects.filter(to_state="captured").count() == len(asks)
    assert OrderEvent.objects.filter(from_state="unpaid").count() == len(asks)
    assert Event.objects.filter(kind="PaymentCaptured").count() == len(asks)


def captured_by_two(payment, monkeypatch, now):
    """Have two apply the same report, both of which look at the payment before either writes."""
    both = threading.Barrier(2)
    lock = orders.lock_unpaid

    def slowly(**asked_for):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return lock(**asked_for)

    monkeypatch.setattr(orders, "lock_unpaid", slowly)
    ask = asked(payment, "succeeded", now)
    assert at_once(lambda: alone(ask), lambda: alone(ask)) == []
    return PaymentEvent.objects.filter(payment=payment, to_state="captured").count()


def test_what_two_report_at_once_is_taken_once(now, monkeypatch):
    [payment] = payments(1, now)

    assert captured_by_two(payment, monkeypatch, now) == 1


def test_control_without_its_lock_it_is_taken_twice(now, monkeypatch):
    [payment] = payments(1, now)
    monkeypatch.setattr(statements, "_LOCK", statements._LOCK.replace("FOR UPDATE", ""))

    assert captured_by_two(payment, monkeypatch, now) == 2


def test_what_comes_at_once_shares_transactions(now, monkeypatch):
    heat = Heat(above=0)
    monkeypatch.setattr(applying, "heat", heat)
    made = payments(8, now)
    taken = []
    take = applying.take
    monkeypatch.setattr(
        applying.batcher, "_do", lambda asks, then: taken.append(len(asks)) or take(asks, then)
    )

    def pay(payment):
        said = report(payment, "succeeded", ref=f"ch_{payment.pk.hex[:8]}")
        found = services.apply(payment_id=payment.pk, report=said, now=now)
        assert found.state == "captured"

    def webhook(payment):
        body = message(payment, "succeeded")
        assert services.take_in(message_id=f"msg-{payment.pk}", body=body, now=now)
        assert not services.take_in(message_id=f"msg-{payment.pk}", body=body, now=now)

    jobs = [lambda one=one, do=do: do(one) for one in made for do in (pay, webhook)]
    assert at_once(*jobs) == []
    assert sum(taken) == 3 * len(made)
    assert len(taken) < sum(taken)
    assert PaymentEvent.objects.filter(to_state="captured").count() == len(made)
    assert ProviderMessage.objects.count() == len(made)
