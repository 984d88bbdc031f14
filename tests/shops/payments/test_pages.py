"""What buyers, shops and operators see of a payment, and what they can do there."""

import httpx
import pytest

from shops.payments import services
from shops.payments.models import Payment
from tests.factories.payments import make_payment, report
from tests.shops.payments.test_services import later

pytestmark = pytest.mark.django_db
KEY = "a-key-of-the-form"


@pytest.fixture
def asked(charging, alice, now):
    """A payment that waits for Alice at her bank."""
    payment = make_payment(alice, now=now, card_token="tok_3ds", prices=(700,))
    return services.start(payment_id=payment.pk, now=now)


@pytest.fixture
def authorized(charging, alice, now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    payment = make_payment(alice, now=now, prices=(700,))
    return services.start(payment_id=payment.pk, now=now)


def order_page(client, payment):
    return client.get(f"/orders/{payment.purchase.orders.get().number}/").content.decode()


def post(client, payment, what, key=KEY, **fields):
    return client.post(f"/payments/{payment.pk}/{what}/", {"idempotency_key": key, **fields})


def test_the_order_leads_to_the_bank_and_does_not_reload_meanwhile(client, alice, asked):
    client.force_login(alice)
    page = order_page(client, asked)
    assert f'href="{asked.action_url}"' in page
    assert "every 2s" not in page
    assert "Confirm the payment" in page


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ("confirm", "captured", "Paid. Thank you!"),
        ("refuse", "failed", "Your bank did not confirm the payment."),
    ],
)
def test_the_banks_page_and_the_way_back(client, alice, asked, answer, state, words):
    page = httpx.get(asked.action_url, trust_env=False)
    assert "7.00 EUR" in page.text
    assert "script" not in page.text
    back = httpx.post(asked.action_url, content=f"answer={answer}", trust_env=False)
    assert back.status_code == 303
    path = httpx.URL(back.headers["location"]).path
    assert path == f"/payments/{asked.pk}/back/"

    client.force_login(alice)
    shown = client.get(path, follow=True).content.decode()
    assert words in shown
    assert Payment.objects.get().state == state
    again = httpx.get(asked.action_url, trust_env=False)
    assert again.headers["location"] == back.headers["location"]


def test_coming_back_without_having_answered_changes_nothing(client, alice, asked):
    client.force_login(alice)
    shown = client.get(f"/payments/{asked.pk}/back/", follow=True).content.decode()
    assert "Confirm the payment" in shown


def test_the_way_back_of_somebody_else_shows_nothing(client, bob, asked):
    client.force_login(bob)
    assert client.get(f"/payments/{asked.pk}/back/", follow=True).status_code == 404


def test_another_card_instead(client, alice, asked, now):
    client.force_login(alice)
    shown = client.post(
        f"/payments/{asked.pk}/abandon/", {"idempotency_key": KEY}, follow=True
    ).content.decode()
    assert "Try another card" in shown
    assert Payment.objects.get().state == "cancelled"
    # What the buyer confirms in another tab now is too late.
    assert "tok" not in httpx.post(asked.action_url, content="answer=confirm", trust_env=False).text
    assert services.settle_unknown(now=later(now)) == 0
    assert post(client, asked, "abandon").status_code == 302


def test_giving_up_what_was_confirmed_meanwhile_takes_that_in(client, alice, asked):
    httpx.post(asked.action_url, content="answer=confirm", trust_env=False)
    client.force_login(alice)
    assert post(client, asked, "abandon").status_code == 302
    assert "Paid. Thank you!" in order_page(client, asked)


def test_only_the_buyer_gives_up_and_only_with_a_key(client, alice, bob, asked):
    client.force_login(bob)
    assert post(client, asked, "abandon").status_code == 404
    client.force_login(alice)
    assert post(client, asked, "abandon", key="").status_code == 400
    assert Payment.objects.get().state == "requires_action"


def test_nobody_gives_up_what_may_be_paid_already(client, alice, asked):
    Payment.objects.update(state="unknown")
    client.force_login(alice)
    assert post(client, asked, "abandon").status_code == 409


def test_a_buyer_who_does_not_come_back_keeps_nothing_for_ever(asked, charging, now):
    assert services.settle_unknown(now=later(now)) == 0
    assert services.settle_unknown(now=asked.purchase.pay_by) == 1
    assert Payment.objects.get().state == "cancelled"
    assert charging.ask("GET", f"/v1/charges/{asked.pk}").json()["state"] == "cancelled"


def test_its_shop_sees_its_history_and_captures_a_part(client, authorized, carol):
    order = authorized.purchase.orders.get()
    order.shop.staff.create(user=carol)
    client.force_login(carol)
    page = client.get(f"/payments/{authorized.pk}/").content.decode()
    assert "Authorised" in page
    assert order.number in page
    assert 'value="7.00"' in page

    answers = [
        post(client, authorized, "capture", **{f"order-{order.pk}": "5.50"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Payment.objects.get().captured_minor == 550
    page = client.get(f"/payments/{authorized.pk}/").content.decode()
    assert "€5.50" in page
    other = post(client, authorized, "capture", **{f"order-{order.pk}": "5.00"})
    assert other.status_code == 422


@pytest.mark.parametrize("amount", ["", "0", "7.01", "-1", "1.999", "a", "NaN", "9" * 40])
def test_amounts_that_make_no_sense_are_refused(client, authorized, olga, amount):
    order = authorized.purchase.orders.get()
    client.force_login(olga)
    answer = post(client, authorized, "capture", **{f"order-{order.pk}": amount})
    assert answer.status_code == 400
    assert Payment.objects.get().state == "authorized"


def test_an_operator_lets_it_go_once(client, authorized, olga):
    client.force_login(olga)
    assert [post(client, authorized, "void").status_code for _ in range(2)] == [302, 302]
    assert Payment.objects.get().state == "cancelled"


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_for_others_it_does_not_exist(client, authorized, who, request):
    client.force_login(request.getfixturevalue(who))
    assert client.get(f"/payments/{authorized.pk}/").status_code == 404
    for what in ("capture", "void"):
        assert post(client, authorized, what).status_code == 404
    assert Payment.objects.get().state == "authorized"


def test_a_shop_sees_only_its_own_orders_of_a_payment(client, alice, carol, now):
    payment = make_payment(alice, now=now, prices=(700, 900))
    services.apply(payment_id=payment.pk, report=report(payment, "failed"), now=now)
    mine, other = payment.purchase.orders.order_by("total_minor")
    mine.shop.staff.create(user=carol)
    client.force_login(carol)
    page = client.get(f"/payments/{payment.pk}/").content.decode()
    assert "The card was declined." in page
    assert mine.number in page
    assert other.number not in page


def test_a_signed_out_visitor_is_sent_to_sign_in(client, authorized):
    answer = client.get(f"/payments/{authorized.pk}/")
    assert (answer.status_code, "/login/" in answer.headers["location"]) == (302, True)
