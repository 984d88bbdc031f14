"""The buyer's bank takes money back: known once, final, and in the books."""

import contextlib
import json
from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.facts.models import Event
from shops.facts.publishing import REACT
from shops.facts.reacting import carry_out, carry_out_job
from shops.facts.refused import NotFound
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.orders import services as orders
from shops.payments import checks, queries, services
from shops.payments.models import ChargeBack, Payment, ProviderMessage
from shops.payouts.reversing import NotPostedYet
from tests.factories.payments import make_payment, refund_message, report
from tests.shops.payments.test_services import clearing, escrow, keep_the_books

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(alice, now):
    made = make_payment(alice, now=now, prices=(1990, 500))
    return services.apply(payment_id=made.pk, report=report(made, "succeeded"), now=now)


def message(payment, **changes):
    data = {
        "ref": "cb_1",
        "charge_ref": "ch_1",
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "reason": "fraudulent",
    }
    return json.dumps({"type": "chargeback.created", "data": data | changes}).encode()


def tell(payment, now, message_id="msg_1", **changes):
    return services.take_in(message_id=message_id, body=message(payment, **changes), now=now)


def post(now):
    keep_the_books(now)
    reactions = {"ChargedBack": "post_charge_back", "ChargeBackWon": "post_charge_back_won"}
    for event in Event.objects.filter(kind__in=reactions).order_by("pk"):
        name = reactions[event.kind]
        carry_out(event_id=event.pk, reaction=f"shops.payouts.reactions.{name}", now=now)


def test_it_is_final_and_everybody_concerned_reads_of_it(payment, olga, now):
    assert tell(payment, now)
    payment.refresh_from_db()
    [taken] = queries.chargebacks_of(payment.purchase_id)
    assert (payment.state, taken.amount_minor) == ("charged_back", 2490)
    for order in payment.purchase.orders.all():
        assert "took €24.90 back" in order.events.last().reason
        assert queries.refundable_minor(order) == 0
        with pytest.raises(services.NotRefundable):
            services.refund_order(order_id=order.pk, reason="", by=olga, now=now)


def test_its_buyer_and_its_shop_read_of_it_and_nobody_is_told_to_pack(
    payment, client, alice, carol, now
):
    tell(payment, now)
    order = payment.purchase.orders.first()
    order.shop.staff.create(user=carol)
    client.force_login(alice)
    page = client.get(f"/orders/{order.number}/").content.decode()
    assert "Your bank has taken this payment back." in page
    assert "What happens next" not in page
    client.force_login(carol)
    page = client.get(f"/seller/{order.shop.slug}/orders/{order.number}/").content.decode()
    assert "Do not ship" in page
    assert f"/payments/{payment.pk}/" in page


def test_it_comes_out_of_each_orders_escrow(payment, now):
    tell(payment, now)
    post(now)
    assert [escrow(order) for order in payment.purchase.orders.all()] == [0, 0]
    assert clearing() == 0


def test_what_was_refunded_is_not_taken_from_the_shop_twice(payment, olga, now):
    from shops.payments.refunds import create_refund

    dear, cheap = payment.purchase.orders.order_by("-total_minor")
    refund = create_refund(order_id=dear.pk, amount_minor=990, reason="", by=olga, now=now)
    body = refund_message(refund, "succeeded")
    services.take_in(message_id="msg_r", body=body, now=now)
    tell(payment, now, amount_minor=1500)
    post(now)
    assert [escrow(order) for order in (dear, cheap)] == [0, 0]
    assert clearing() == 0


def test_more_than_is_left_is_the_houses_loss(payment, olga, now):
    from shops.payments.refunds import create_refund

    dear = payment.purchase.orders.order_by("-total_minor")[0]
    refund = create_refund(order_id=dear.pk, amount_minor=None, reason="", by=olga, now=now)
    services.take_in(message_id="msg_r", body=refund_message(refund, "succeeded"), now=now)
    tell(payment, now)
    post(now)
    lost = ledger.balance_of(kind=Kind.CHARGE_BACK_LOSS, currency="EUR")
    assert (lost, clearing()) == (1990, -1990)


def lost():
    return ledger.balance_of(kind=Kind.CHARGE_BACK_LOSS, currency="EUR")


def test_what_was_never_captured_is_no_refund(alice, now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    made = make_payment(alice, now=now, prices=(2000,))
    part = report(made, "succeeded", captured_minor=1200)
    payment = services.apply(payment_id=made.pk, report=part, now=now)
    tell(payment, now, amount_minor=1200)
    post(now)
    assert (escrow(payment.purchase.orders.get()), lost(), clearing()) == (0, 0, 0)


def test_what_was_given_back_of_a_closed_order_is_not_in_escrow_any_more(alice, now):
    made = make_payment(alice, now=now, prices=(2000,))
    orders.close_unpaid(purchase_id=made.purchase_id, reason="", now=now)
    payment = services.apply(payment_id=made.pk, report=report(made, "succeeded"), now=now)
    body = refund_message(payment.refunds.get(), "succeeded")
    services.take_in(message_id="msg_r", body=body, now=now)
    tell(payment, now)
    post(now)
    assert (escrow(payment.purchase.orders.get()), lost(), clearing()) == (0, 2000, -2000)


@pytest.mark.django_db(transaction=True)
def test_in_one_turn_of_the_worker_it_is_posted_after_its_capture(payment, bob, now):
    """Reactions are carried out kind by kind: another charge-back brings this one's forward."""
    keep_the_books(now)
    tell(payment, now)
    ProcrastinateJob.objects.filter(task_name=REACT).delete()
    made = make_payment(bob, now=now, prices=(700,))
    services.apply(payment_id=made.pk, report=report(made, "succeeded", ref="ch_2"), now=now)
    tell(made, now, message_id="msg_2", ref="cb_2", charge_ref="ch_2")
    first = Event.objects.filter(kind="ChargedBack").earliest("pk")

    with contextlib.suppress(NotPostedYet):
        carry_out_job([(first.pk, "shops.payouts.reactions.post_charge_back")], now=now)
    post(now)

    assert (clearing(), lost()) == (0, 0)


def test_again_is_a_no_op(payment, now):
    assert tell(payment, now)
    assert not tell(payment, now)
    assert tell(payment, now, message_id="msg_2")
    assert tell(payment, now, message_id="msg_3", ref="cb_other")
    assert ChargeBack.objects.get().provider_ref == "cb_1"
    assert Event.objects.filter(kind="ChargedBack").count() == 1


def test_before_its_capture_it_is_for_later(alice, now):
    payment = make_payment(alice, now=now)
    Payment.objects.filter(pk=payment.pk).update(provider_ref="ch_1")
    with pytest.raises(services.NotCapturedYet):
        tell(payment, now)
    assert not ProviderMessage.objects.exists()
    services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    assert tell(payment, now)


@pytest.mark.parametrize(
    "wrong", [{"amount_minor": 2491}, {"amount_minor": 0}, {"currency": "USD"}]
)
def test_other_amounts_are_refused(payment, now, wrong):
    with pytest.raises(services.AmountDiffers):
        tell(payment, now, **wrong)
    assert not ChargeBack.objects.exists()


@pytest.mark.parametrize("ref", ["ch_other", ""])
def test_about_a_charge_that_is_not_ours_it_does_not_exist(payment, now, ref):
    Payment.objects.filter(pk=payment.pk).update(provider_ref="")
    with pytest.raises(NotFound):
        tell(payment, now, charge_ref=ref)


def test_one_that_nobody_told_of_is_found(charging, alice, now):
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    assert charging.ask("POST", f"/v1/charges/{payment.pk}/chargeback").status_code == 201
    assert [services.find_chargebacks(now=now) for _ in range(2)] == [1, 0]
    assert Payment.objects.get().state == "charged_back"
    assert charging.ask("POST", f"/v1/charges/{payment.pk}/chargeback/win").status_code == 200
    assert [services.find_chargebacks(now=now) for _ in range(2)] == [1, 0]
    assert Payment.objects.get().state == "captured"


# --- won -----------------------------------------------------------------------------------------
def win(payment, now, message_id="msg_won", **changes):
    return tell(payment, now, message_id=message_id, is_won=True, **changes)


def test_one_that_is_won_is_reversed_and_can_be_refunded(payment, olga, now):
    tell(payment, now)
    assert win(payment, now)
    post(now)
    payment.refresh_from_db()
    dear, cheap = payment.purchase.orders.order_by("-total_minor")
    assert (payment.state, ChargeBack.objects.get().won_at) == ("captured", now)
    assert [event.to_state for event in payment.events.order_by("pk")][-2:] == [
        "charged_back",
        "captured",
    ]
    assert [escrow(order) for order in (dear, cheap)] == [-1990, -500]
    assert "gave €24.90 back" in dear.events.last().reason
    assert queries.refundable_minor(dear) == 1990
    assert list(checks.posted_charge_backs(now + timedelta(hours=1))) == []
    assert list(checks.escrow(now)) == []


def test_its_pages_say_so(payment, client, alice, olga, now):
    tell(payment, now)
    win(payment, now)
    client.force_login(alice)
    page = client.get(f"/orders/{payment.purchase.orders.first().number}/").content.decode()
    assert "The bank gave the payment back to the shop" in page
    assert "Your bank has taken this payment back." not in page
    client.force_login(olga)
    page = client.get(f"/payments/{payment.pk}/").content.decode()
    assert "decided for the shop" in page


def test_what_the_house_had_lost_it_has_again(payment, olga, now):
    from shops.payments.refunds import create_refund

    dear = payment.purchase.orders.order_by("-total_minor")[0]
    refund = create_refund(order_id=dear.pk, amount_minor=None, reason="", by=olga, now=now)
    services.take_in(message_id="msg_r", body=refund_message(refund, "succeeded"), now=now)
    tell(payment, now)
    win(payment, now)
    post(now)
    assert (lost(), clearing()) == (0, 500)


def test_an_old_message_about_its_capture_wins_nothing(payment, now):
    tell(payment, now)
    again = services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    assert again.state == "charged_back"


def test_won_again_changes_nothing_and_what_came_before_it_neither(payment, now):
    assert win(payment, now, message_id="msg_first")
    assert tell(payment, now, message_id="msg_late")
    assert win(payment, now, message_id="msg_again")
    payment.refresh_from_db()
    assert payment.state == "captured"
    assert Event.objects.filter(kind="ChargeBackWon").count() == 1


def test_another_one_may_follow_and_is_in_the_books_by_itself(payment, now):
    tell(payment, now)
    win(payment, now)
    tell(payment, now, message_id="msg_2", ref="cb_2")
    post(now)
    payment.refresh_from_db()
    assert (payment.state, clearing(), lost()) == ("charged_back", 0, 0)
    later = now + timedelta(hours=1)
    assert [*checks.posted_charge_backs(later), *checks.escrow(later)] == []
    win(payment, now, message_id="msg_3", ref="cb_2")
    post(now)
    assert (clearing(), list(checks.posted_charge_backs(later))) == (2490, [])


def test_another_amount_is_not_taken_as_won(payment, now):
    tell(payment, now)
    with pytest.raises(services.AmountDiffers):
        win(payment, now, amount_minor=1)
    assert ChargeBack.objects.get().won_at is None


def test_what_was_called_off_meanwhile_goes_back_then(payment, now):
    tell(payment, now)
    _dear, cheap = payment.purchase.orders.order_by("-total_minor")
    orders.call_off(order_id=cheap.pk, reason="Sorry", now=now)
    for event in Event.objects.filter(kind="OrderCancelled"):
        carry_out(event_id=event.pk, reaction="shops.payments.reactions.refund_cancelled", now=now)
    assert not payment.refunds.exists()
    win(payment, now)
    post(now)
    [refund] = payment.refunds.all()
    assert (refund.order, refund.amount_minor, refund.reason) == (cheap, 500, "Sorry")


def test_its_reversal_waits_until_it_is_posted_itself(payment, now):
    tell(payment, now)
    win(payment, now)
    [event] = Event.objects.filter(kind="ChargeBackWon")
    name = "shops.payouts.reactions.post_charge_back_won"
    with pytest.raises(NotPostedYet):
        carry_out(event_id=event.pk, reaction=name, now=now)
    post(now)
    assert clearing() == 2490


def test_nobody_is_harmed_when_the_provider_does_not_answer(now, settings, db):
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    assert services.find_chargebacks(now=now) == 0
