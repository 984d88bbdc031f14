"""Refunds in parts: together never more than what was taken, whoever asks, however often."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.db.models import Sum
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.reacting import carry_out
from shops.facts.refused import NotAllowed
from shops.orders import reactions as orders_reactions
from shops.orders import services as orders
from shops.payments import checks, providers, queries, refunds, services
from shops.payments.models import Payment, Refund
from shops.payments.wire import RefundReport
from tests.factories.payments import make_payment, refund_message, report
from tests.shops.payments.test_services import escrow, keep_the_books

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(alice, now):
    payment = make_payment(alice, now=now, prices=(1000,))
    services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    return payment.purchase.orders.get()


@pytest.fixture
def ask(order, olga, now):
    """Write a refund down, as `refund_order` does before it asks the provider."""

    def create(amount_minor=None, **changes):
        fields = {"order_id": order.pk, "reason": "", "by": olga, "now": now} | changes
        return refunds.create_refund(amount_minor=amount_minor, **fields)

    return create


def end(refund, state, now):
    body = refund_message(refund, state)
    services.take_in(message_id=f"{refund.pk}-{state}", body=body, now=now)
    refund.refresh_from_db()
    return refund


def test_parts_add_up_to_what_was_taken_and_the_last_one_is_the_rest(ask, order, now):
    for amount in (300, 250):
        end(ask(amount), "succeeded", now)
    assert queries.refundable_minor(order) == 450
    with pytest.raises(services.RefundTooLarge) as no:
        ask(451)
    assert no.value.extra == {"left_minor": 450}
    assert end(ask(), "succeeded", now).amount_minor == 450
    with pytest.raises(services.NotRefundable):
        ask(1)
    keep_the_books(now)
    order.refresh_from_db()
    assert (order.refunded_minor, order.is_refunded, escrow(order)) == (1000, True, 0)


@pytest.mark.parametrize("amount", [0, -1, 1001])
def test_no_refund_of_nothing_less_or_more(ask, amount):
    with pytest.raises(services.RefundTooLarge):
        ask(amount)
    assert not Refund.objects.exists()


def post(now):
    keep_the_books(now)
    for event in Event.objects.filter(kind="RefundCameBack"):
        name = "shops.payouts.reactions.post_refund_undone"
        carry_out(event_id=event.pk, reaction=name, now=now)


def test_one_that_fails_after_it_succeeded_is_undone_and_given_anew(ask, order, now):
    first = end(ask(), "succeeded", now)
    order.refresh_from_db()
    assert order.state == "cancelled"
    for _ in range(2):
        end(first, "failed", now)
    post(now)
    order.refresh_from_db()
    assert (first.state, first.came_back_at, order.refunded_minor) == ("failed", now, 0)
    assert (escrow(order), Payment.objects.get().refunds_minor) == (-1000, 0)
    assert Event.objects.filter(kind="RefundCameBack").count() == 1
    later = now + timedelta(hours=1)
    assert [*checks.posted_refunds(later), *checks.escrow(later), *checks.refunds(later)] == []
    end(first, "succeeded", now)
    assert first.state == "failed"
    assert end(ask(), "succeeded", now).amount_minor == 1000
    post(now)
    assert escrow(order) == 0


def test_buyer_and_shop_are_told_that_it_did_not_arrive(ask, order, client, alice, carol, now):
    order.shop.staff.create(user=carol)
    end(end(ask(), "succeeded", now), "failed", now)
    [event] = Event.objects.filter(kind="OrderRefundUndone")
    orders_reactions.tell_refund_undone(read(event), event_id=event.pk, now=now)
    assert [letter.to for letter in mail.outbox] == [[alice.email], [carol.email]]
    assert all("€10.00" in letter.body for letter in mail.outbox)
    client.force_login(alice)
    page = client.get(f"/orders/{order.number}/").content.decode()
    assert "It is still yours" in page
    assert "What happens next" not in page
    assert "sent €10.00 back" in page
    client.force_login(carol)
    page = client.get(f"/seller/{order.shop.slug}/orders/{order.number}/").content.decode()
    assert "still owed to the buyer" in page
    assert "Give money back" in page


def test_a_no_to_asking_again_undoes_nothing(ask, now, monkeypatch):
    refund = ask()

    class Quick:
        """Its news of the success are quicker than its answer to being asked once more."""

        def refund(self, *, key, amount_minor, currency, **asked):
            said = {"amount_minor": amount_minor, "currency": currency, "state": "succeeded"}
            report = RefundReport(key=str(key), ref="re_1", **said)
            refunds.apply_refund(refund_id=key, report=report, now=now)
            raise providers.Rejected("charge_already_refunded")

    monkeypatch.setattr(providers, "provider_of", lambda name: Quick())
    assert refunds.send_refund(refund_id=refund.pk, now=now).state == "succeeded"


def test_one_that_is_under_way_counts_and_one_that_failed_does_not(ask, order, now):
    first = ask(700)
    with pytest.raises(services.RefundTooLarge):
        ask(400)
    end(first, "failed", now)
    assert Payment.objects.get().refunds_minor == 0
    assert queries.refundable_minor(order) == 1000
    [fact] = Event.objects.filter(kind="RefundFailed")
    assert fact.payload["refund_id"] == str(first.pk)
    assert ask().amount_minor == 1000


def test_the_same_cause_gives_back_once(ask, now):
    first = ask(300, source="return:1")
    assert ask(300, source="return:1") == first
    assert ask(300, source="return:2") != first
    end(first, "failed", now)
    assert ask(300, source="return:1") != first


def test_the_house_itself_needs_nobodys_leave_and_strangers_do(ask, bob):
    assert ask(10, by=None).requested_by is None
    with pytest.raises(NotAllowed):
        ask(10, by=bob)


def test_no_refund_is_sent_from_within_a_transaction(order, now, olga):
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        services.refund_order(order_id=order.pk, reason="", by=olga, now=now)


def test_one_may_be_queued_there(order, now):
    refund = services.queue_refund(order_id=order.pk, amount_minor=1, reason="", now=now)
    [job] = ProcrastinateJob.objects.filter(task_name="payments.give_back")
    assert job.args == {"refund_id": str(refund.pk)}


def react(kind, name, now):
    for event in Event.objects.filter(kind=kind):
        carry_out(event_id=event.pk, reaction=f"shops.payments.reactions.{name}", now=now)


def test_a_paid_order_that_is_called_off_is_given_back_once(order, now):
    orders.call_off(order_id=order.pk, reason="Not shipped in time", now=now)
    for _ in range(2):
        react("OrderCancelled", "refund_cancelled", now)
    refund = order.refunds.get()
    assert (refund.amount_minor, refund.reason) == (1000, "Not shipped in time")


def test_only_the_rest_of_a_called_off_order_goes_back(ask, order, now):
    end(ask(400), "succeeded", now)
    orders.call_off(order_id=order.pk, reason="", now=now)
    react("OrderCancelled", "refund_cancelled", now)
    assert sorted(order.refunds.values_list("amount_minor", flat=True)) == [400, 600]


def test_an_order_that_was_never_paid_has_nothing_to_give_back(alice, now):
    payment = make_payment(alice, now=now, prices=(700,))
    orders.cancel(order_id=payment.purchase.orders.get().pk, reason="", now=now)
    react("OrderCancelled", "refund_cancelled", now)
    assert not Refund.objects.exists()


@pytest.mark.parametrize(("currency", "price", "part"), [("JPY", 1990, 995), ("KWD", 1999, 1)])
def test_currencies_of_no_and_three_decimals(charging, alice, olga, now, currency, price, part):
    payment = make_payment(alice, now=now, prices=(price,), currency=currency)
    assert services.start(payment_id=payment.pk, now=now).captured_minor == price
    order = payment.purchase.orders.get()
    ask = {"order_id": order.pk, "reason": "", "by": olga, "now": now}
    assert services.refund_order(amount_minor=part, **ask).state == "succeeded"
    rest = services.refund_order(**ask)
    keep_the_books(now)
    assert (rest.amount_minor, rest.state, escrow(order)) == (price - part, "succeeded", 0)


def race(order, olga, now, *, amount_minor, askers):
    """Ask for a refund from several connections at once; returns how many were written down."""
    together = threading.Barrier(askers)
    written = []

    def ask():
        together.wait(10)
        try:
            written.append(
                refunds.create_refund(
                    order_id=order.pk, amount_minor=amount_minor, reason="", by=olga, now=now
                )
            )
        except (services.RefundTooLarge, services.NotRefundable):
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(askers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(written)


@pytest.mark.django_db(transaction=True)
def test_refunds_that_are_asked_for_at_once_are_never_more_than_what_was_taken(order, olga, now):
    assert race(order, olga, now, amount_minor=300, askers=6) == 3
    assert Refund.objects.aggregate(sum=Sum("amount_minor"))["sum"] == 900
    assert Payment.objects.get().refunds_minor == 900


@pytest.mark.django_db(transaction=True)
def test_control_without_the_locks_the_database_alone_keeps_to_what_was_taken(
    order, olga, now, monkeypatch
):
    """Everybody believes that all is left; the counted sum on the payment refuses the others."""
    monkeypatch.setattr(refunds, "refundable_minor", lambda _: 1000)
    assert race(order, olga, now, amount_minor=300, askers=6) == 3
    assert Payment.objects.get().refunds_minor == 900


@pytest.mark.django_db(transaction=True)
def test_control_without_both_more_goes_back_than_was_taken(order, olga, now, monkeypatch):
    def unguarded(payment, order, amount_minor, *, reason, by=None, source="", now):
        return Refund.objects.create(
            payment=payment, order=order, amount_minor=amount_minor, created_at=now
        )

    monkeypatch.setattr(refunds, "refundable_minor", lambda _: 1000)
    monkeypatch.setattr(refunds, "_insert", unguarded)
    assert race(order, olga, now, amount_minor=300, askers=6) == 6
