"""The shop decides: goods into the stock or written off, money back in full or in part."""

from datetime import timedelta

import pytest

from shops.facts.refused import NotFound
from shops.orders.models import Order
from shops.payments import refunds as payments
from shops.returns import deciding, queries, refunds, requesting
from shops.returns.deciding import Arrived, BadAmount, TooManyArrived, TooMuch
from shops.returns.models import Return, ReturnRefund
from shops.returns.moving import Moved, WordsMissing
from shops.returns.silence import act_on_silence
from shops.returns.states import RETURN_TRANSITIONS, ReturnReason, ReturnState
from shops.stock.models import Stock
from tests.factories.returns import ask
from tests.shops.returns.conftest import refunded

pytestmark = pytest.mark.django_db


def _on_hand(line):
    return Stock.objects.get(sku=line.sku_id).on_hand


def _arrives(case, *, carol, now, **units):
    line = case.lines.get()
    arrived = Arrived(**({"restocked": line.quantity, "written_off": 0} | units))
    deciding.receive(case_id=case.pk, arrived={line.pk: arrived}, by=carol, now=now)


def test_the_whole_way_back(case, order, lamp, alice, carol, now, provider_gives_back):
    deciding.approve(case_id=case.pk, by=carol, now=now)
    requesting.send(case_id=case.pk, carrier="Poste", tracking_number="1", by=alice, now=now)
    before = _on_hand(lamp)
    _arrives(case, carol=carol, now=now)
    assert _on_hand(lamp) == before + 1
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    assert queries.open_for([order.pk]) == {order.pk}
    provider_gives_back()
    case.refresh_from_db()
    assert (case.state, case.refund_minor, refunded(order)) == (ReturnState.CLOSED, 4000, 4000)
    assert queries.open_for([order.pk]) == set()
    kinds = list(case.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["requested", "approved", "sent", "received", "refunded", "paid_back"]


def test_what_is_written_off_or_missing_is_not_for_sale(order, mugs, carol, now):
    case = ask(order, units={mugs.pk: 3}, now=now)
    deciding.approve(case_id=case.pk, by=carol, now=now)
    before = _on_hand(mugs)
    _arrives(case, carol=carol, now=now, restocked=1, written_off=1)
    assert _on_hand(mugs) == before + 1
    assert case.lines.get().missing == 1
    with pytest.raises(Moved):
        _arrives(case, carol=carol, now=now)
    assert _on_hand(mugs) == before + 1


@pytest.mark.parametrize(
    "units", [{"restocked": 2}, {"restocked": 1, "written_off": 1}, {"written_off": -1}]
)
def test_no_more_arrives_than_was_announced(case, carol, now, units):
    deciding.approve(case_id=case.pk, by=carol, now=now)
    with pytest.raises(TooManyArrived):
        _arrives(case, carol=carol, now=now, **units)
    assert Return.objects.get().state == "approved"


def test_nothing_arrives_of_another_return(case, order, mugs, carol, now):
    other = ask(order, units={mugs.pk: 1}, now=now)
    deciding.approve(case_id=case.pk, by=carol, now=now)
    with pytest.raises(NotFound):
        deciding.receive(
            case_id=case.pk, arrived={other.lines.get().pk: Arrived(1, 0)}, by=carol, now=now
        )


def test_a_part_needs_a_reason_and_the_buyer_reads_it(case, order, carol, now, provider_gives_back):
    with pytest.raises(WordsMissing):
        deciding.refund(case_id=case.pk, amount_minor=1000, reason=" ", by=carol, now=now)
    deciding.refund(case_id=case.pk, amount_minor=1000, reason="Scratched", by=carol, now=now)
    provider_gives_back()
    case.refresh_from_db()
    # Not closed: the buyer may disagree.
    assert (case.state, case.less_because, refunded(order)) == ("refunded", "Scratched", 1000)


def test_nothing_goes_back_only_after_the_goods_were_seen(case, carol, now):
    nothing = {"case_id": case.pk, "amount_minor": 0, "reason": "Broken by you", "by": carol}
    with pytest.raises(BadAmount):
        deciding.refund(**nothing, now=now)
    deciding.approve(case_id=case.pk, by=carol, now=now)
    _arrives(case, carol=carol, now=now)
    deciding.refund(**nothing, now=now)
    assert not ReturnRefund.objects.exists()


@pytest.mark.parametrize(("minor", "refusal"), [(4001, TooMuch), (-1, BadAmount)])
def test_neither_more_than_was_asked_for_nor_less_than_nothing(case, carol, now, minor, refusal):
    with pytest.raises(refusal):
        deciding.refund(case_id=case.pk, amount_minor=minor, reason="x", by=carol, now=now)


def test_money_that_went_back_meanwhile_goes_back_once(case, order, carol, now):
    left = order.total_minor - 1500
    payments.create_refund(
        order_id=order.pk, amount_minor=left, reason="Goodwill", by=carol, now=now
    )
    with pytest.raises(TooMuch) as refused:
        deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    assert refused.value.extra["most_minor"] == 1500
    deciding.refund(case_id=case.pk, amount_minor=1500, reason="The rest", by=carol, now=now)


def test_two_returns_never_bring_more_than_was_paid(order, mugs, lamp, carol, now, settings):
    """What was decided and not asked of the provider yet counts, too."""
    first = ask(order, units={mugs.pk: 3}, now=now)
    second = ask(order, units={lamp.pk: 1}, now=now)
    Order.objects.filter(pk=order.pk).update(total_minor=6000, goods_minor=5410)
    for case in (first, second):
        case.order.refresh_from_db()
    deciding.approve(case_id=first.pk, by=carol, now=now)
    deciding.refund(case_id=first.pk, amount_minor=5970, reason="", by=carol, now=now)
    with pytest.raises(TooMuch) as refused:
        deciding.refund(case_id=second.pk, amount_minor=4590, reason="", by=carol, now=now)
    assert refused.value.extra["most_minor"] == 30


def test_what_never_arrived_is_refunded_when_it_is_approved(order, lamp, carol, now):
    case = ask(order, units={lamp.pk: 1}, reason=ReturnReason.NEVER_ARRIVED, now=now)
    deciding.approve(case_id=case.pk, by=carol, now=now)
    case.refresh_from_db()
    assert (case.state, case.refund_minor) == ("refunded", 4590)


def test_a_rejection_needs_a_reason_and_holds_no_money(case, order, carol, now):
    with pytest.raises(WordsMissing):
        deciding.reject(case_id=case.pk, reason="", by=carol, now=now)
    deciding.reject(case_id=case.pk, reason="Worn", by=carol, now=now)
    assert queries.open_for([order.pk]) == set()
    with pytest.raises(Moved):
        deciding.approve(case_id=case.pk, by=carol, now=now)


def test_a_refund_that_failed_is_owed_until_it_is_tried_again(
    case, order, carol, olga, now, provider_gives_back
):
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    provider_gives_back(False)
    owed = ReturnRefund.objects.get()
    assert (owed.state, refunded(order)) == ("failed", 0)
    assert queries.open_for([order.pk]) == {order.pk}
    refunds.try_again(case_id=case.pk, refund_id=owed.pk, by=olga, now=now)
    with pytest.raises(Moved):
        refunds.try_again(case_id=case.pk, refund_id=owed.pk, by=olga, now=now)
    provider_gives_back()
    assert refunded(order) == 4000
    assert queries.open_for([order.pk]) == set()


def test_a_refund_that_did_not_arrive_is_owed_again(
    case, order, carol, olga, now, provider_gives_back
):
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    provider_gives_back()
    provider_gives_back(False)
    owed = ReturnRefund.objects.get()
    assert (owed.state, refunded(order)) == ("failed", 0)
    assert queries.open_for([order.pk]) == {order.pk}
    refunds.try_again(case_id=case.pk, refund_id=owed.pk, by=olga, now=now)
    provider_gives_back()
    assert refunded(order) == 4000


def test_the_job_may_run_twice(case, order, carol, now, provider_gives_back):
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    provider_gives_back()
    ReturnRefund.objects.update(state="due")  # as if it had died before it noted the end
    provider_gives_back()
    assert refunded(order) == 4000


def test_a_refund_that_the_payments_refuse_is_the_operators(case, order, carol, now):
    deciding.refund(case_id=case.pk, amount_minor=4000, reason="", by=carol, now=now)
    order.purchase.payments.update(state="charged_back")
    refunds.pay_back(refund_id=ReturnRefund.objects.get().pk, now=now)
    assert [one.case_id for one in queries.failed_refunds()] == [case.pk]
    # Nobody can ever give that back, so nothing waits for it.
    assert queries.open_for([order.pk]) == set()


def test_silence_approves_and_refunds(case, order, carol, now, settings):
    wait = timedelta(days=settings.RETURN_SILENCE_DAYS)
    assert act_on_silence(now=now + wait - timedelta(seconds=1)) == 0
    assert act_on_silence(now=now + wait) == 1
    case.refresh_from_db()
    assert (case.state, case.events.last().side) == ("approved", "clock")
    _arrives(case, carol=carol, now=now + wait)
    assert act_on_silence(now=now + 2 * wait) == 1
    case.refresh_from_db()
    assert (case.state, case.refund_minor) == ("refunded", 4000)


def test_who_never_sends_it_may_ask_again(case, order, lamp, carol, now, settings):
    deciding.approve(case_id=case.pk, by=carol, now=now)
    later = now + timedelta(days=settings.RETURN_SEND_DAYS)
    assert act_on_silence(now=later) == 1
    case.refresh_from_db()
    assert (case.state, case.is_withdrawn) == ("closed", True)
    Order.objects.filter(pk=order.pk).update(delivered_at=later)
    order.refresh_from_db()
    assert ask(order, units={lamp.pk: 1}, now=later).goods_minor == 4000


def test_who_disputes_nothing_agrees(case, carol, now, settings):
    deciding.reject(case_id=case.pk, reason="Worn", by=carol, now=now)
    later = now + timedelta(days=settings.DISPUTE_DAYS)
    assert act_on_silence(now=later) == 1
    case.refresh_from_db()
    assert (case.state, case.due_at, act_on_silence(now=later)) == ("closed", None, 0)


def test_one_that_can_not_be_moved_keeps_no_other_waiting(
    order, mugs, lamp, now, settings, monkeypatch, caplog
):
    stuck = ask(order, units={mugs.pk: 1}, now=now)
    fine = ask(order, units={lamp.pk: 1}, now=now + timedelta(seconds=1))
    approve = deciding.approve

    def or_fail(*, case_id, **wanted):
        if case_id == stuck.pk:
            raise RuntimeError("stuck")
        approve(case_id=case_id, **wanted)

    monkeypatch.setattr(deciding, "approve", or_fail)
    later = now + timedelta(days=settings.RETURN_SILENCE_DAYS, seconds=1)
    assert act_on_silence(now=later) == 1
    fine.refresh_from_db()
    assert (fine.state, len(caplog.records)) == ("approved", 1)


def test_no_way_leads_back():
    """From each state only on: none that was left is reached again."""

    def reached(state):
        found, todo = set(), [state]
        while todo:
            for after in RETURN_TRANSITIONS[todo.pop()] - found:
                found.add(after)
                todo.append(after)
        return found

    assert set(RETURN_TRANSITIONS) == set(ReturnState)
    assert [state for state in ReturnState if state in reached(state)] == []
