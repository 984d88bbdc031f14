"""Who disagrees: the buyer says why, the shop answers, an operator has the last word."""

from datetime import timedelta

import pytest

from shops.facts.refused import NotFound
from shops.returns import deciding, disputes, queries, requesting
from shops.returns.deciding import BadAmount, TooMuch
from shops.returns.disputes import AnswerPending, NotDisputable, TooManyMessages
from shops.returns.moving import Moved, WordsMissing
from shops.returns.states import Side
from tests.shops.returns.conftest import refunded

pytestmark = pytest.mark.django_db


@pytest.fixture
def rejected(case, carol, now):
    deciding.reject(case_id=case.pk, reason="Worn", by=carol, now=now)
    return case


@pytest.fixture
def disputed(rejected, alice, now):
    disputes.open_dispute(case_id=rejected.pk, text="It was new", by=alice, now=now)
    return rejected


@pytest.fixture
def answered(disputed, carol, now):
    disputes.say(case_id=disputed.pk, side=Side.SHOP, text="See the photo", by=carol, now=now)
    return disputed


def test_a_dispute_keeps_the_money(disputed, order):
    disputed.refresh_from_db()
    assert (disputed.state, disputed.dispute.state) == ("disputed", "open")
    assert queries.open_for([order.pk]) == {order.pk}


def test_the_operator_decides_when_both_were_heard(answered, order, olga, now, provider_gives_back):
    disputes.decide(case_id=answered.pk, amount_minor=2500, reason="Half each", by=olga, now=now)
    provider_gives_back()
    answered.refresh_from_db()
    assert (answered.state, answered.refund_minor, refunded(order)) == ("closed", 2500, 2500)
    assert answered.dispute.decision == "Half each"
    assert queries.open_for([order.pk]) == set()
    with pytest.raises(Moved):
        disputes.decide(case_id=answered.pk, amount_minor=1, reason="Once more", by=olga, now=now)


def test_a_refused_dispute_gives_nothing(answered, order, olga, now, provider_gives_back):
    disputes.decide(case_id=answered.pk, amount_minor=0, reason="Worn, indeed", by=olga, now=now)
    provider_gives_back()
    assert refunded(order) == 0


def test_not_before_the_shop_has_answered_or_its_time_is_over(disputed, olga, now, settings):
    word = {"case_id": disputed.pk, "amount_minor": 4000, "reason": "No answer", "by": olga}
    with pytest.raises(AnswerPending):
        disputes.decide(**word, now=now)
    disputes.decide(**word, now=now + timedelta(days=settings.DISPUTE_ANSWER_DAYS))


@pytest.mark.parametrize(("minor", "refusal"), [(4001, TooMuch), (-1, BadAmount)])
def test_neither_too_much_nor_too_little(answered, olga, now, minor, refusal):
    with pytest.raises(refusal):
        disputes.decide(case_id=answered.pk, amount_minor=minor, reason="x", by=olga, now=now)


def test_the_decision_needs_a_reason(answered, olga, now):
    with pytest.raises(WordsMissing):
        disputes.decide(case_id=answered.pk, amount_minor=1, reason=" ", by=olga, now=now)


def test_of_a_smaller_refund_only_what_is_missing(
    case, order, alice, carol, olga, now, provider_gives_back
):
    deciding.refund(case_id=case.pk, amount_minor=1000, reason="Scratched", by=carol, now=now)
    provider_gives_back()
    disputes.open_dispute(case_id=case.pk, text="It had no scratch", by=alice, now=now)
    disputes.say(case_id=case.pk, side=Side.SHOP, text="It had", by=carol, now=now)
    with pytest.raises(TooMuch):
        disputes.decide(case_id=case.pk, amount_minor=3001, reason="All", by=olga, now=now)
    disputes.decide(case_id=case.pk, amount_minor=3000, reason="All", by=olga, now=now)
    provider_gives_back()
    assert refunded(order) == 4000


def test_what_was_given_in_full_or_not_decided_can_not_be_disputed(case, alice, carol, now):
    with pytest.raises(NotDisputable):
        disputes.open_dispute(case_id=case.pk, text="I want more", by=alice, now=now)
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    with pytest.raises(NotDisputable):
        disputes.open_dispute(case_id=case.pk, text="I want more", by=alice, now=now)


def test_nor_when_it_is_too_late(rejected, alice, now, settings):
    late = now + timedelta(days=settings.DISPUTE_DAYS)
    with pytest.raises(NotDisputable):
        disputes.open_dispute(case_id=rejected.pk, text="Still", by=alice, now=late)


def test_a_shop_that_says_nothing_of_what_was_sent(case, alice, carol, now, settings):
    deciding.approve(case_id=case.pk, by=carol, now=now)
    requesting.send(case_id=case.pk, carrier="Poste", tracking_number="", by=alice, now=now)
    with pytest.raises(NotDisputable):
        disputes.open_dispute(case_id=case.pk, text="Silence", by=alice, now=now)
    later = now + timedelta(days=settings.RETURN_ARRIVAL_DAYS)
    disputes.open_dispute(case_id=case.pk, text="Silence", by=alice, now=later)


def test_one_dispute_a_return(disputed, alice, now):
    with pytest.raises(NotDisputable):
        disputes.open_dispute(case_id=disputed.pk, text="Twice", by=alice, now=now)


def test_who_withdraws_accepts_what_was_decided(disputed, alice, olga, now):
    disputes.withdraw(case_id=disputed.pk, by=alice, now=now)
    disputed.refresh_from_db()
    assert (disputed.state, disputed.dispute.state) == ("closed", "withdrawn")
    with pytest.raises(Moved):
        disputes.say(case_id=disputed.pk, side=Side.BUYER, text="But", by=alice, now=now)


def test_ten_words_from_each_side(disputed, alice, now):
    for _ in range(disputes.MOST_MESSAGES - 1):
        disputes.say(case_id=disputed.pk, side=Side.BUYER, text="And", by=alice, now=now)
    with pytest.raises(TooManyMessages):
        disputes.say(case_id=disputed.pk, side=Side.BUYER, text="And", by=alice, now=now)


def test_without_a_dispute_nothing_is_said(case, alice, now):
    with pytest.raises(NotFound):
        disputes.say(case_id=case.pk, side=Side.BUYER, text="Hello", by=alice, now=now)
