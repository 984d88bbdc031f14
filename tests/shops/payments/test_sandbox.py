"""The sandbox provider over HTTP: who may ask, what it refuses, and that a key charges once."""

import os
import subprocess
import sys
import uuid

import httpx
import pytest

from shops.payments.sandbox.keys import TRIAL_SECRET
from tests.servers import PROJECT

CHARGE = {"amount_minor": 1990, "currency": "EUR", "card_token": "tok_success"}


def new_key():
    return str(uuid.uuid4())


def charge(provider, key=None, **changes):
    return provider.ask("POST", "/v1/charges", key=key or new_key(), json=CHARGE | changes)


def test_it_charges_a_key_once(provider):
    key = new_key()
    first, second = charge(provider, key), charge(provider, key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["state"] == "succeeded"
    assert provider.ask("GET", f"/v1/charges/{key}").json() == first.json()


@pytest.mark.parametrize(
    "other", [{"amount_minor": 1}, {"currency": "USD"}, {"card_token": "tok_declined"}]
)
def test_a_key_stands_for_one_charge_only(provider, other):
    key = new_key()
    charge(provider, key)
    assert charge(provider, key, **other).status_code == 422


@pytest.mark.parametrize(
    ("card", "state", "code"),
    [
        ("tok_success", "succeeded", ""),
        ("tok_declined", "failed", "card_declined"),
        ("tok_insufficient_funds", "failed", "insufficient_funds"),
        ("tok_3ds", "requires_action", ""),
        ("tok_delay", "pending", ""),
        ("tok_chargeback", "succeeded", ""),
        ("tok_webhook_twice", "pending", ""),
        ("tok_webhook_late", "pending", ""),
        ("tok_webhook_out_of_order", "pending", ""),
        ("tok_webhook_never", "pending", ""),
    ],
)
def test_each_card_does_what_it_says(provider, card, state, code):
    answer = charge(provider, card_token=card).json()
    assert (answer["state"], answer["failure_code"]) == (state, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": 1.5},
        {"amount_minor": True},
        {"amount_minor": "100"},
        {"amount_minor": 10**13},
        {"currency": "euro"},
        {"currency": None},
        {"card_token": "tok_nobodys"},
        {"card_token": None},
        {"return_url": "javascript:alert(1)"},
        {"description": "x" * 501},
    ],
)
def test_it_refuses_bad_charges_and_makes_none(provider, changes):
    key = new_key()
    assert charge(provider, key, **changes).status_code == 422
    assert provider.ask("GET", f"/v1/charges/{key}").status_code == 404


def test_it_wants_a_key_and_json(provider):
    assert provider.ask("POST", "/v1/charges", json=CHARGE).status_code == 400
    assert provider.ask("POST", "/v1/charges", key="short", json=CHARGE).status_code == 400
    for body in (b"{", b"[]", b"\xff"):
        assert provider.ask("POST", "/v1/charges", key=new_key(), content=body).status_code == 400
    large = b" " * 20_000
    assert provider.ask("POST", "/v1/charges", key=new_key(), content=large).status_code == 413


@pytest.mark.parametrize("token", ["sk_wrong", TRIAL_SECRET])
def test_it_knows_who_asks(provider, token):
    answer = provider.ask("POST", "/v1/charges", key=new_key(), token=token, json=CHARGE)
    assert answer.status_code == 401


def refund(provider, charge_key, key=None, **changes):
    body = {"charge": charge_key, "amount_minor": 1990, "currency": "EUR"} | changes
    return provider.ask("POST", "/v1/refunds", key=key or new_key(), json=body)


def test_it_refunds_a_key_once_and_never_more_than_was_charged(provider):
    charged, key = new_key(), new_key()
    charge(provider, charged)
    assert refund(provider, charged, key, amount_minor=1000).json()["state"] == "succeeded"
    assert refund(provider, charged, key, amount_minor=1000).is_success
    assert refund(provider, charged, key, amount_minor=999).status_code == 422
    assert refund(provider, charged, amount_minor=991).status_code == 422
    assert refund(provider, charged, amount_minor=990).is_success
    assert provider.ask("GET", f"/v1/refunds/{key}").json()["amount_minor"] == 1000


@pytest.mark.parametrize("card", ["tok_declined", "tok_delay"])
def test_only_paid_charges_are_refunded(provider, card):
    key = new_key()
    charge(provider, key, card_token=card)
    if card == "tok_declined":
        assert refund(provider, key).status_code == 422
    assert refund(provider, new_key()).status_code == 422
    assert refund(provider, key, currency="USD").status_code == 422


def authorize(provider, key):
    return charge(provider, key, capture=False).json()["state"]


def capture(provider, key, amount_minor, currency="EUR"):
    body = {"amount_minor": amount_minor, "currency": currency}
    return provider.ask("POST", f"/v1/charges/{key}/capture", json=body)


def test_it_captures_what_was_authorised_or_a_part_once(provider):
    key = new_key()
    assert authorize(provider, key) == "authorized"
    assert refund(provider, key, amount_minor=1).status_code == 422
    assert capture(provider, key, 1991).status_code == 422
    assert capture(provider, key, 1000, "USD").status_code == 422
    assert [capture(provider, key, 1000).json()["captured_minor"] for _ in range(2)] == [1000] * 2
    assert capture(provider, key, 999).status_code == 422
    assert capture(provider, new_key(), 1).status_code == 404
    assert refund(provider, key, amount_minor=1001).status_code == 422
    assert refund(provider, key, amount_minor=1000).is_success


def test_what_was_authorised_is_let_go(provider):
    key = new_key()
    authorize(provider, key)
    assert provider.ask("POST", f"/v1/charges/{key}/cancel").json()["state"] == "cancelled"
    assert capture(provider, key, 1).status_code == 422


def test_what_is_left_of_a_charge_is_charged_back_once(provider):
    key = new_key()
    charge(provider, key)
    refund(provider, key, amount_minor=990)
    made = provider.ask("POST", f"/v1/charges/{key}/chargeback")
    assert (made.status_code, made.json()["amount_minor"]) == (201, 1000)
    assert provider.ask("POST", f"/v1/charges/{key}/chargeback").status_code == 422
    assert refund(provider, key, amount_minor=1).status_code == 422
    told = provider.ask("GET", "/v1/chargebacks?since=0").json()["chargebacks"]
    assert made.json() in told
    assert provider.ask("GET", "/v1/chargebacks?since=x").status_code == 400
    assert provider.ask("GET", "/v1/chargebacks?since=99999999999").json() == {"chargebacks": []}


def test_its_page_of_a_charge_offers_what_a_bank_may_do(provider):
    key = new_key()
    page = f"{provider.url}/charges/{charge(provider, key).json()['ref']}"
    refund = {"charge": key, "amount_minor": 990, "currency": "EUR"}
    made = provider.ask("POST", "/v1/refunds", key=new_key(), json=refund).json()
    assert 'value="fail"' in httpx.get(page).text
    assert "Sent back" in httpx.post(page, data={"answer": "fail"}).text
    assert provider.ask("GET", f"/v1/refunds/{made['key']}").json()["state"] == "failed"
    shown = httpx.get(page).text
    assert 'value="fail"' not in shown
    assert 'value="back"' in shown
    assert "Charged back" in httpx.post(page, data={"answer": "back"}).text
    assert 'value="win"' in httpx.get(page).text
    assert "Given back to the shop" in httpx.post(page, data={"answer": "win"}).text
    assert "charged back, and won" in httpx.get(page).text


@pytest.mark.parametrize(
    ("account", "state", "code"),
    [
        ("acct_carol", "paid", ""),
        ("acct_closed_1", "failed", "account_closed"),
        ("acct_slow_1", "pending", ""),
    ],
)
def test_it_pays_a_key_out_once(provider, account, state, code):
    key = new_key()
    body = {"amount_minor": 700, "currency": "EUR", "account": account}
    first = provider.ask("POST", "/v1/payouts", key=key, json=body)
    assert (first.json()["state"], first.json()["failure_code"]) == (state, code)
    again = provider.ask("POST", "/v1/payouts", key=key, json=body)
    assert again.json()["ref"] == first.json()["ref"]
    other = provider.ask("POST", "/v1/payouts", key=key, json=body | {"amount_minor": 701})
    assert other.status_code == 422
    assert provider.ask("GET", f"/v1/payouts/{key}").json()["ref"] == first.json()["ref"]
    nameless = provider.ask("POST", "/v1/payouts", key=new_key(), json=body | {"account": ""})
    assert nameless.status_code == 422


def test_a_key_that_was_blocked_is_never_charged(provider):
    key = new_key()
    assert provider.ask("POST", f"/v1/charges/{key}/cancel").json()["state"] == "cancelled"
    assert charge(provider, key).json()["state"] == "cancelled"


def test_blocking_a_key_too_late_tells_that_it_was_charged(provider):
    key = new_key()
    charge(provider, key)
    assert provider.ask("POST", f"/v1/charges/{key}/cancel").json()["state"] == "succeeded"


def test_it_is_a_stranger_who_knows_nothing_of_django():
    code = "import sys, shops.payments.sandbox.__main__; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, timeout=60)


def test_production_must_bring_a_secret():
    environment = {**os.environ, "LIVESHOP_ENV": "production"}
    environment.pop("PAYMENTS_SANDBOX_SECRET", None)
    ended = subprocess.run(
        [sys.executable, "-m", "shops.payments.sandbox", "--port", "1"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "PAYMENTS_SANDBOX_SECRET must be set" in ended.stderr


def test_both_sides_have_the_same_trial_secret():
    environment = {**os.environ, "LIVESHOP_ENV": "test"}
    environment.pop("PAYMENTS_SANDBOX_SECRET", None)
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from liveshop import settings; print(settings.PAYMENTS_SANDBOX_SECRET)",
        ],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert said.stdout.strip() == TRIAL_SECRET
