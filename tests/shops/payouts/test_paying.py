"""Payouts: committed before anybody is asked, asked again by key, given back when they fail."""

import uuid
from datetime import UTC, date, datetime

import pytest

from shops.ledger import queries as ledger
from shops.ledger.models import Kind, Side
from shops.ledger.services import Line, post
from shops.payments.providers import NoAnswer, Rejected
from shops.payments.wire import PayoutReport
from shops.payouts import checks, paying, tasks
from shops.payouts.accounts import BadAccount, BadBic, NoHolder, account_of, save_account
from shops.payouts.models import (
    Payout,
    PayoutAccount,
    PayoutEvent,
    PayoutRun,
    PayoutState,
    RunState,
)
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
IBAN = "IT60 X054 2811 1010 0000 0123 456"


@pytest.fixture
def earned(now):
    """earned(owner, amount): the books owe an owner money; they have a bank account."""

    def owe(owner="shop:1", amount=5_000, currency="EUR", *, account=True):
        kind = paying.payable_kind(owner)
        money = {"amount_minor": amount, "currency": currency}
        post(
            source="test",
            key=uuid.uuid4().hex,
            lines=[
                Line(kind=Kind.PSP_CLEARING, side=Side.DEBIT, **money),
                Line(kind=kind, owner=owner, side=Side.CREDIT, **money),
            ],
            description="",
            now=now,
        )
        if account:
            save_account(
                owner=owner, holder="Carol", number=IBAN, bic="", by=UserFactory(), now=now
            )

    return owe


@pytest.fixture
def bank(monkeypatch, settings):
    """A provider that answers what is put into `bank.answers`, and remembers what it was asked."""
    settings.PAYOUT_WAY = "sandbox"

    class Bank:
        def __init__(self):
            self.answers, self.asked = [], []

        def payout(self, *, key, amount_minor, currency, account):
            self.asked.append((key, amount_minor, currency, account))
            answer = self.answers.pop(0) if self.answers else "paid"
            if isinstance(answer, Exception):
                raise answer
            return PayoutReport(
                key=str(key), ref="po_1", state=answer, amount_minor=amount_minor, currency=currency
            )

    bank = Bank()
    monkeypatch.setattr(paying, "provider_of", lambda name: bank)
    return bank


def owed(owner="shop:1", currency="EUR"):
    return -ledger.balance_of(kind=paying.payable_kind(owner), owner=owner, currency=currency)


def run(now, run_id=None):
    return paying.start_run(run_id=run_id or uuid.uuid4(), now=now)


def test_balances_are_paid_per_owner_and_currency(now, bank, earned):
    earned("shop:1", 5_000)
    earned("shop:1", 90_000, "JPY", account=False)
    earned("creator:7", 1_000)

    done = run(now)

    assert done.state == RunState.DONE
    assert {(key[1], key[2]) for key in bank.asked} == {
        (5_000, "EUR"),
        (90_000, "JPY"),
        (1_000, "EUR"),
    }
    assert set(Payout.objects.values_list("state", flat=True)) == {PayoutState.PAID}
    assert owed() == owed("shop:1", "JPY") == owed("creator:7") == 0
    assert ledger.balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == 0
    assert list(checks.off(now=now)) == []


@pytest.mark.parametrize(
    ("amount", "currency", "payouts"),
    [(999, "EUR", 0), (1_000, "EUR", 1), (9, "JPY", 0), (10, "JPY", 1), (9_999, "KWD", 0)],
)
def test_the_minimum_is_in_whole_units_of_the_currency(
    now, bank, earned, amount, currency, payouts
):
    earned("shop:1", amount, currency)

    assert run(now).payouts.count() == payouts


def test_nobody_is_paid_without_an_account_or_with_a_negative_balance(now, bank, earned):
    earned("shop:1", account=False)
    earned("shop:2", 5_000)
    money = {"amount_minor": 6_000, "currency": "EUR"}
    post(
        source="test",
        key="refund",
        lines=[
            Line(kind=Kind.SELLER_PAYABLE, owner="shop:2", side=Side.DEBIT, **money),
            Line(kind=Kind.PSP_CLEARING, side=Side.CREDIT, **money),
        ],
        description="",
        now=now,
    )

    assert run(now).payouts.count() == 0
    earned("shop:2", 3_000)
    assert run(now).payouts.get().amount_minor == 2_000


def test_a_run_that_is_asked_for_twice_is_one(now, bank, earned):
    earned()
    run_id = uuid.uuid4()

    run(now, run_id)
    earned(amount=7_000)
    run(now, run_id)

    assert PayoutRun.objects.count() == Payout.objects.count() == 1
    assert owed() == 7_000


def test_without_an_answer_the_same_key_is_asked_again(now, bank, earned):
    earned()
    bank.answers = [NoAnswer("timeout"), "pending", NoAnswer("timeout"), "paid"]

    run(now)
    states = []
    for _ in range(4):
        states.append(Payout.objects.get().state)
        paying.carry_on_all(now=now)

    assert states == ["created", "sent", "sent", "paid"]
    assert len({key for key, *_ in bank.asked}) == 1
    assert len(bank.asked) == 4
    assert Payout.objects.get().state == PayoutState.PAID
    assert PayoutRun.objects.get().state == RunState.DONE


@pytest.mark.parametrize("answer", [Rejected("account_closed"), "failed"], ids=["no", "failed"])
def test_what_failed_is_back_in_the_balance_and_paid_the_next_time(now, bank, earned, answer):
    earned()
    bank.answers = [answer]

    run(now)

    assert Payout.objects.get().is_failed
    assert owed() == 5_000
    assert list(checks.off(now=now)) == []
    run(now)
    assert owed() == 0


def test_another_amount_than_was_asked_for_is_not_believed(now, bank, earned, monkeypatch):
    earned()
    report = PayoutReport(key="", ref="", state="paid", amount_minor=1, currency="EUR")
    monkeypatch.setattr(bank, "payout", lambda **asked: report)

    run(now)

    assert Payout.objects.get().state == PayoutState.CREATED


def test_states_are_reached_once_and_never_left_backwards(now, bank, earned):
    earned()
    payout = run(now).payouts.get()

    for to in (PayoutState.FAILED, PayoutState.SENT, PayoutState.PAID):
        assert paying.move(payout_id=payout.pk, to=to, now=now).state == PayoutState.PAID

    reached = PayoutEvent.objects.order_by("pk").values_list("to_state", flat=True)
    assert list(reached) == ["created", "paid"]
    assert owed() == 0


def test_the_scheduled_run_is_one_a_day_and_only_on_its_days(now, bank, earned, settings, time_at):
    earned()
    settings.PAYOUT_WEEKDAYS = [0]
    with time_at(datetime(2026, 11, 24, 5, tzinfo=UTC)):
        tasks.scheduled_run(0)
    assert not PayoutRun.objects.exists()

    with time_at(datetime(2026, 11, 23, 5, tzinfo=UTC)):
        tasks.scheduled_run(0)
        tasks.scheduled_run(0)
    assert PayoutRun.objects.get().scheduled_for == date(2026, 11, 23)


def test_the_bank_says_how_the_payouts_of_a_file_end(now, earned, olga):
    earned("shop:1")
    earned("shop:2")
    earned("shop:3")
    by_file = run(now)
    second = by_file.payouts.get(owner="shop:2")

    paying.confirm(payout_id=second.pk, is_paid=False, reason="closed", now=now)
    assert paying.confirm_run(run_id=by_file.pk, now=now) == 2
    with pytest.raises(paying.NotUnderWay):
        paying.confirm(payout_id=second.pk, is_paid=True, reason="", now=now)

    states = dict(Payout.objects.values_list("owner", "state"))
    assert states == {"shop:1": "paid", "shop:2": "failed", "shop:3": "paid"}
    by_file.refresh_from_db()
    assert by_file.state == RunState.DONE
    assert owed("shop:2") == 5_000


def test_people_do_not_say_how_the_providers_payouts_end(now, bank, earned):
    earned()
    bank.answers = ["pending"]
    payout = run(now).payouts.get()

    with pytest.raises(paying.NotByFile):
        paying.confirm(payout_id=payout.pk, is_paid=True, reason="", now=now)
    with pytest.raises(paying.NotByFile):
        paying.confirm_run(run_id=payout.run_id, now=now)


def test_a_changed_account_is_a_new_row_and_shown_masked(now, carol):
    fields = {"owner": "shop:1", "holder": " Carol  Bianchi ", "bic": "", "by": carol, "now": now}
    first = save_account(number=IBAN, **fields)
    assert save_account(number=IBAN.lower(), **fields) == first
    second = save_account(number="000123456789", **fields)

    assert account_of("shop:1") == second
    assert PayoutAccount.objects.count() == 2
    assert first.holder == "Carol Bianchi"
    assert first.masked == "IT•••• 3456"
    assert second.masked == "•••• 6789"


@pytest.mark.parametrize(
    ("field", "value", "refused"),
    [
        ("number", "IT60X0542811101000000123457", BadAccount),
        ("number", "DE00", BadAccount),
        ("number", "=1+1+1+1", BadAccount),
        ("number", "１２３４５６７８", BadAccount),
        ("number", "9" * 35, BadAccount),
        ("bic", "NOPE", BadBic),
        ("holder", " ", NoHolder),
        ("holder", "Ca\nrol\x00", NoHolder),
    ],
    ids=["check digits", "short", "formula", "wide digits", "long", "bic", "nobody", "control"],
)
def test_what_is_no_account_is_refused(now, carol, field, value, refused):
    fields = {"holder": "Carol", "number": IBAN, "bic": ""} | {field: value}

    with pytest.raises(refused):
        save_account(owner="shop:1", by=carol, now=now, **fields)
    assert not PayoutAccount.objects.exists()
