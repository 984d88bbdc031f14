"""Stripe, by its own library against a server that speaks as Stripe does, over HTTP."""

import json
import time
from datetime import timedelta

import pytest

from shops.facts.refused import NotFound
from shops.orders import services as orders
from shops.payments import providers, services
from shops.payments.models import ChargeBack, Payment, PaymentEvent, ProviderMessage
from shops.payments.providers.stripe import HOSTED
from tests.factories.payments import make_payment
from tests.shops.payments.conftest import SIGNING
from tests.stripe_like import signed

pytestmark = pytest.mark.django_db
URL = "/payments/webhooks/stripe/"


@pytest.fixture
def tell(client, stripe):
    """Deliver events of Stripe's to our door."""

    def send(event, *, secret=SIGNING, **when):
        body = json.dumps(event).encode()
        headers = signed(body, secret=secret, **when)
        return client.post(URL, body, content_type="application/json", headers=headers)

    return send


def make(alice, now, card="pm_card_visa", **purchase):
    return make_payment(alice, now=now, card_token=card, prices=(1990,), **purchase)


def start(payment, now):
    return services.start(payment_id=payment.pk, now=now)


def later(now):
    return now + services.SETTLE_AFTER * 2


@pytest.mark.parametrize(
    ("card", "state", "code"),
    [
        ("pm_card_visa", "captured", ""),
        ("pm_card_visa_chargeDeclined", "failed", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "failed", "insufficient_funds"),
        ("pm_card_authenticationRequired", "requires_action", ""),
        ("pm_nobodys", "failed", "unknown_card"),
        (HOSTED, "requires_action", ""),
    ],
)
def test_each_way_to_pay_does_what_it_says(stripe, alice, now, card, state, code):
    payment = start(make(alice, now, card), now)
    assert (payment.provider, payment.state, payment.failure_code) == ("stripe", state, code)
    assert payment.purchase.orders.get().is_paid is (state == "captured")
    assert bool(payment.action_url) is (state == "requires_action")


@pytest.mark.parametrize("fault", ["500", "lost"])
def test_a_charge_without_an_answer_is_unknown_and_made_once(stripe, alice, now, fault):
    payment = make(alice, now)
    stripe.faults = ["", fault]  # made, and then confirming goes wrong
    assert start(payment, now).state == "unknown"
    [intent] = [one for one in stripe.objects.values() if one["object"] == "payment_intent"]
    assert payment.purchase.payments.get().provider_ref == intent["id"]
    stripe.forget_keys()

    assert services.settle_unknown(now=later(now)) == 1
    assert intent["charged"] == 1
    assert Payment.objects.get(pk=payment.pk).state == "captured"


def test_what_has_no_name_yet_was_never_charged_and_is_not_when_it_is_too_late(stripe, alice, now):
    payment = make(alice, now)
    stripe.faults = ["lost"]
    assert start(payment, now).state == "unknown"
    late = payment.purchase.pay_by + timedelta(hours=1)
    assert services.settle_unknown(now=late) == 1
    assert Payment.objects.get(pk=payment.pk).state == "cancelled"
    assert all("confirm" not in asked for asked in stripe.asked)


def test_a_charge_that_is_named_while_it_is_called_off_is_not_lost_sight_of(stripe, alice, now):
    payment = start(make(alice, now, "pm_card_authenticationRequired"), now)
    unnamed = providers.current().cancel(key=payment.pk, ref="")
    assert services.apply(payment_id=payment.pk, report=unnamed, now=now).state == "requires_action"


@pytest.mark.parametrize(("confirms", "state"), [(True, "captured"), (False, "failed")])
def test_the_buyer_comes_back_from_the_bank(stripe, client, alice, now, confirms, state):
    payment = start(make(alice, now, "pm_card_authenticationRequired"), now)
    stripe.answer_bank(payment.provider_ref, confirms=confirms)
    answer = client.get(f"/payments/{payment.pk}/back/")
    assert answer.status_code == 302
    payment.refresh_from_db()
    assert (payment.state, payment.action_url) == (state, "")


def test_a_card_may_be_declined_on_the_hosted_page_and_another_one_tried(stripe, tell, alice, now):
    payment = start(make(alice, now, HOSTED), now)
    session = payment.provider_ref
    stripe.pay_hosted(session, card="pm_card_visa_chargeDeclined")
    assert tell(stripe.events[-1]).status_code == 204
    payment.refresh_from_db()
    assert payment.state == "requires_action"

    intent = stripe.pay_hosted(session)
    assert tell(stripe.events[-1]).status_code == 204
    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == ("captured", intent["id"])


def test_a_hosted_page_that_nobody_comes_back_from_is_closed(stripe, alice, now):
    payment = start(make(alice, now, HOSTED), now)
    assert services.settle_unknown(now=later(now)) == 0
    assert services.settle_unknown(now=payment.purchase.pay_by) == 1
    assert stripe.objects[payment.provider_ref]["status"] == "expired"
    assert Payment.objects.get(pk=payment.pk).state == "cancelled"


def test_an_authorised_payment_is_captured_in_part(stripe, alice, olga, now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    payment = start(make(alice, now), now)
    assert payment.state == "authorized"
    order = payment.purchase.orders.get()
    taken = services.capture(payment_id=payment.pk, by=olga, parts={order.pk: 990}, now=now)
    assert (taken.state, taken.captured_minor) == ("captured", 990)
    assert stripe.objects[payment.provider_ref]["amount_received"] == 990


def test_refunds_in_parts_each_once_whatever_stripe_forgets(stripe, alice, olga, now):
    payment = start(make(alice, now), now)
    order = payment.purchase.orders.get()
    ask = {"order_id": order.pk, "reason": "", "by": olga, "now": now}
    assert services.refund_order(amount_minor=990, **ask).state == "succeeded"
    stripe.faults = ["", "lost"]
    second = services.refund_order(amount_minor=500, **ask)
    assert second.state == "created"
    stripe.forget_keys()
    assert services.settle_unknown(now=later(now)) == 1
    second.refresh_from_db()
    assert second.state == "succeeded"
    refunds = [one["amount"] for one in stripe.objects.values() if one["object"] == "refund"]
    assert sorted(refunds) == [500, 990]


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated"])
def test_a_refund_that_a_bank_sends_back_is_undone(stripe, tell, alice, olga, now, kind):
    payment = start(make(alice, now), now)
    order = payment.purchase.orders.get()
    refund = services.refund_order(order_id=order.pk, reason="", by=olga, now=now)
    assert refund.state == "succeeded"
    stripe.send_back(refund.provider_ref, kind=kind)
    assert tell(stripe.events[-1]).status_code == 204
    refund.refresh_from_db()
    assert (refund.state, refund.failure_code) == ("failed", "expired_or_canceled_card")


@pytest.mark.parametrize(
    ("currency", "minor", "theirs"),
    [("JPY", 1990, 1990), ("ISK", 1990, 199000), ("KWD", 1990, 1990), ("EUR", 1990, 1990)],
)
def test_currencies_of_no_two_and_three_decimals(stripe, alice, now, currency, minor, theirs):
    payment = make_payment(alice, now=now, card_token="pm_card_visa", prices=(minor,),
                           currency=currency)  # fmt: skip
    assert start(payment, now).captured_minor == minor
    assert stripe.objects[Payment.objects.get().provider_ref]["amount"] == theirs


def test_an_amount_that_stripe_can_not_take_is_refused_before_it_is_asked(stripe, alice, now):
    payment = make_payment(alice, now=now, card_token="pm_card_visa", prices=(1995,),
                           currency="KWD")  # fmt: skip
    assert start(payment, now).failure_code == "amount_not_possible"
    assert stripe.asked == []


def test_a_payout_is_sent_once(stripe):
    key = make_key()
    ask = {"key": key, "amount_minor": 700, "currency": "EUR", "account": "acct_1"}
    first = providers.payout(**ask)
    stripe.forget_keys()
    assert providers.payout(**ask) == first
    assert (first.state, first.amount_minor) == ("paid", 700)
    with pytest.raises(providers.Rejected, match="account_invalid"):
        providers.payout(**ask | {"key": make_key(), "account": "acct_unknown"})


def make_key():
    import uuid

    return uuid.uuid4()


def test_wrong_keys_are_no_answer_and_nobodys_no(stripe, alice, now, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    payment = make(alice, now)
    assert start(payment, now).state == "unknown"


# --- the door ------------------------------------------------------------------------------------
def nothing_was_written(payment):
    payment.refresh_from_db()
    return payment.state == "requires_action" and not ProviderMessage.objects.exists()


@pytest.fixture
def payment(stripe, alice, now):
    """Waits at the bank, which has confirmed it; nobody has told us yet."""
    made = start(make(alice, now, "pm_card_authenticationRequired"), now)
    stripe.answer_bank(made.provider_ref, confirms=True)
    return made


def test_a_signed_event_captures_once_however_often_it_comes(stripe, tell, payment):
    assert [tell(stripe.events[-1]).status_code for _ in range(3)] == [204, 204, 204]
    payment.refresh_from_db()
    assert payment.state == "captured"
    assert ProviderMessage.objects.filter(provider="stripe").count() == 1
    assert PaymentEvent.objects.filter(payment=payment, to_state="captured").count() == 1


def test_out_of_order_events_change_nothing_afterwards(stripe, tell, payment):
    asks, succeeded = stripe.events
    assert [tell(event).status_code for event in (succeeded, asks)] == [204, 204]
    payment.refresh_from_db()
    assert payment.state == "captured"


@pytest.mark.parametrize("secret", ["whsec_other", ""])
def test_a_forged_event_is_refused(stripe, tell, payment, secret):
    assert tell(stripe.events[-1], secret=secret).status_code == 400
    assert nothing_was_written(payment)


def test_an_old_event_is_refused(stripe, tell, payment):
    assert tell(stripe.events[-1], at=time.time() - 400).status_code == 400
    assert nothing_was_written(payment)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null", b'{"id": "evt_1"}'])
def test_a_signed_body_that_is_no_event_is_refused(client, payment, body):
    headers = signed(body, secret=SIGNING)
    answer = client.post(URL, body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert nothing_was_written(payment)


def test_without_a_signature_it_is_refused(client, stripe, payment):
    body = json.dumps(stripe.events[-1]).encode()
    assert client.post(URL, body, content_type="application/json").status_code == 400
    assert nothing_was_written(payment)


def test_switched_off_there_is_no_door(client, stripe, payment, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    body = json.dumps(stripe.events[-1]).encode()
    headers = signed(body, secret="")
    answer = client.post(URL, body, content_type="application/json", headers=headers)
    assert answer.status_code == 404
    assert nothing_was_written(payment)


def test_events_about_others_and_of_no_interest_are_passed_over(stripe, tell, payment):
    event = stripe.events[-1]
    others = json.loads(json.dumps(event))
    others["data"]["object"]["metadata"] = {}
    assert tell(others).status_code == 204
    assert tell(event | {"type": "customer.created"}).status_code == 204
    assert nothing_was_written(payment)


def test_another_amount_is_never_taken_as_paid(stripe, tell, payment):
    event = json.loads(json.dumps(stripe.events[-1]))
    event["data"]["object"]["amount"] = event["data"]["object"]["amount_received"] = 1
    assert tell(event).status_code == 422
    assert nothing_was_written(payment)


def test_another_providers_message_does_not_move_it(payment, now):
    body = json.dumps(
        {
            "type": "charge.succeeded",
            "data": {
                "key": str(payment.pk),
                "ref": "ch_1",
                "state": "succeeded",
                "amount_minor": payment.amount_minor,
                "currency": "EUR",
            },
        }
    ).encode()
    with pytest.raises(NotFound):
        services.take_in(provider="sandbox", message_id="msg_1", body=body, now=now)
    assert nothing_was_written(payment)


def test_a_dispute_that_took_money_is_a_charge_back(stripe, tell, payment):
    stripe.dispute(payment.provider_ref)
    dispute, succeeded = stripe.events[-1], stripe.events[-2]
    # Told before its capture: not now, and Stripe tells it again.
    early = tell(dispute)
    assert (early.status_code, early.headers["Retry-After"]) == (409, "5")
    assert [tell(event).status_code for event in (succeeded, dispute, dispute)] == [204, 204, 204]
    payment.refresh_from_db()
    assert payment.state == "charged_back"
    assert ChargeBack.objects.get().amount_minor == 1990


def test_a_dispute_that_is_won_is_told_twice_and_undone_once(stripe, tell, payment):
    dispute = stripe.dispute(payment.provider_ref)
    stripe.close_dispute(dispute, status="won")
    # Also when the news of the end is there first.
    _, succeeded, taken, closed, reinstated = stripe.events
    told = [succeeded, reinstated, taken, closed]
    assert [tell(event).status_code for event in told] == [204] * 4
    payment.refresh_from_db()
    assert (payment.state, ChargeBack.objects.get().won_at is not None) == ("captured", True)


def test_a_dispute_that_is_lost_stays_so(stripe, tell, payment):
    stripe.close_dispute(stripe.dispute(payment.provider_ref), status="lost")
    assert {tell(event).status_code for event in stripe.events} == {204}
    payment.refresh_from_db()
    assert payment.state == "charged_back"


def test_a_dispute_that_nobody_told_of_is_found_and_an_inquiry_is_none(stripe, tell, payment, now):
    tell(stripe.events[-1])
    stripe.dispute(payment.provider_ref, status="warning_needs_response")
    assert services.find_chargebacks(now=now) == 0
    stripe.dispute(payment.provider_ref)
    assert [services.find_chargebacks(now=now) for _ in range(2)] == [1, 0]
    payment.refresh_from_db()
    assert payment.state == "charged_back"


def test_late_money_of_an_order_that_was_called_off_goes_back(stripe, tell, payment, now):
    orders.cancel(order_id=payment.purchase.orders.get().pk, reason="", now=now)
    tell(stripe.events[-1])
    assert payment.refunds.get().state == "created"
    assert services.settle_unknown(now=later(now)) == 1
    assert stripe.events[-1]["type"] == "refund.created"
