"""The sandbox's news: when each message is due, by its store and a clock of the test's own."""

import json
import sqlite3

import pytest

from shops.payments.sandbox.cards import BY_TOKEN
from shops.payments.sandbox.records import NotPossible, Times, Wish
from shops.payments.sandbox.store import Store


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "provider.sqlite3", Times(delay=3, late=20, charge_back=60))
    yield made
    made.close()


def charge(store, token, *, now=100.0, is_manual=False):
    wish = Wish(
        key="a-key",
        amount_minor=700,
        currency="EUR",
        card=BY_TOKEN[token],
        is_manual=is_manual,
        return_url="",
        description="",
    )
    return store.make_charge(wish, now=now, tell_at=now, page_url="http://bank/")[0]


def told(store, at):
    """Let time pass and take in what is delivered: (message id, type) in the order of sending."""
    store.settle_due(at)
    due = store.due_deliveries(at)
    for delivery in due:
        store.delivered(delivery)
    return [(delivery.message, json.loads(delivery.body)["type"]) for delivery in due]


def kinds(store, at):
    return [kind for _, kind in told(store, at)]


def test_once(store):
    charge(store, "tok_delay")
    assert [kinds(store, at) for at in (100, 102, 103, 200)] == [
        ["charge.pending"], [], ["charge.succeeded"], [],
    ]  # fmt: skip


def test_twice_is_the_same_message_twice(store):
    charge(store, "tok_webhook_twice")
    for at in (100, 103):
        [(first, _), (second, _)] = told(store, at)
        assert first == second


def test_late(store):
    charge(store, "tok_webhook_late")
    assert [kinds(store, at) for at in (103, 119, 120, 122, 123)] == [
        [], [], ["charge.pending"], [], ["charge.succeeded"],
    ]  # fmt: skip
    assert store.charge("a-key").state == "succeeded"


def test_out_of_order(store):
    charge(store, "tok_webhook_out_of_order")
    assert [kinds(store, at) for at in (100, 103, 104)] == [
        [], ["charge.succeeded"], ["charge.pending"],
    ]  # fmt: skip


def test_never(store):
    charge(store, "tok_webhook_never")
    assert [kinds(store, at) for at in (100, 103, 1e6)] == [[], [], []]
    assert store.charge("a-key").state == "succeeded"


def test_a_charge_back_by_itself(store):
    charge(store, "tok_chargeback")
    assert [kinds(store, at) for at in (100, 159, 160, 1e6)] == [
        ["charge.succeeded"], [], ["chargeback.created"], [],
    ]  # fmt: skip
    [made] = store.charge_backs(since=160)
    assert (made.amount_minor, store.charge_backs(since=161)) == (700, [])


def test_a_charge_back_is_won_once_and_then_it_can_be_refunded(store):
    charge(store, "tok_success")
    store.charge_back("a-key", reason="", now=101.0)
    refund = {"key": "a-refund", "charge_key": "a-key", "amount_minor": 1, "currency": "EUR"}
    with pytest.raises(NotPossible, match="charged_back"):
        store.make_refund(**refund, now=102.0)
    assert store.win("a-key", now=103.0) == store.win("a-key", now=104.0)
    assert [one.is_won for one in store.charge_backs(since=0)] == [True]
    assert kinds(store, 200) == ["charge.succeeded", "chargeback.created", "chargeback.won"]
    assert store.make_refund(**refund, now=105.0).state == "succeeded"


def test_a_refund_that_is_sent_back_leaves_room_for_another(store):
    charge(store, "tok_success")
    whole = {"charge_key": "a-key", "amount_minor": 700, "currency": "EUR"}
    store.make_refund(key="a-refund", **whole, now=101.0)
    assert store.last_refund("a-key").key == "a-refund"
    for _ in range(2):
        assert store.fail_refund("a-refund", now=102.0).state == "failed"
    assert kinds(store, 200) == ["charge.succeeded", "refund.succeeded", "refund.failed"]
    assert store.last_refund("a-key") is None
    assert store.make_refund(key="b-refund", **whole, now=103.0).state == "succeeded"
    with pytest.raises(NotPossible, match="no_such_refund"):
        store.fail_refund("other", now=104.0)


def test_what_was_refunded_is_not_charged_back(store):
    charge(store, "tok_chargeback")
    store.make_refund(
        key="a-refund", charge_key="a-key", amount_minor=700, currency="EUR", now=101.0
    )
    store.settle_due(200)
    assert store.charge_backs(since=0) == []
    with pytest.raises(NotPossible, match="nothing_left"):
        store.charge_back("a-key", reason="", now=201.0)


def test_a_buyer_answers_the_bank_once(store):
    made = charge(store, "tok_3ds")
    assert (made.state, made.action_url) == ("requires_action", f"http://bank/{made.ref}")
    store.answer_buyer(made.ref, confirms=True, now=101.0)
    store.answer_buyer(made.ref, confirms=False, now=102.0)
    assert store.charge("a-key").state == "succeeded"
    assert kinds(store, 200) == ["charge.requires_action", "charge.succeeded"]


def test_a_confirmed_authorisation_is_not_taken_yet(store):
    made = charge(store, "tok_3ds", is_manual=True)
    store.answer_buyer(made.ref, confirms=True, now=101.0)
    assert (store.charge("a-key").state, store.charge("a-key").captured_minor) == ("authorized", 0)


def test_a_file_of_the_first_version_is_read_on(tmp_path):
    path = tmp_path / "provider.sqlite3"
    old = sqlite3.connect(path)
    old.executescript(
        """
        CREATE TABLE charge (
            key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL,
            amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, card_token TEXT NOT NULL,
            failure_code TEXT NOT NULL, settle_at REAL
        );
        CREATE TABLE delivery (
            id TEXT PRIMARY KEY, body TEXT NOT NULL, due_at REAL,
            attempts INTEGER NOT NULL DEFAULT 0
        );
        INSERT INTO charge
            VALUES ('a-key', 'ch_1', 'succeeded', 700, 'EUR', 'tok_success', '', NULL);
        INSERT INTO delivery VALUES ('msg_1', '{"type": "charge.succeeded"}', 100, 0);
        """
    )
    old.close()
    for _ in range(2):
        store = Store(path, Times(delay=3, late=20, charge_back=60))
        assert store.charge("a-key").captured_minor == 700
        assert [delivery.message for delivery in store.due_deliveries(100)] == ["msg_1"]
        store.close()
