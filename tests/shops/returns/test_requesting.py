"""A buyer asks: what of, how much, until when, and never for more than was bought."""

from datetime import timedelta

import pytest

from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.orders.models import OrderState, ParcelState
from shops.returns import deciding, requesting
from shops.returns.models import Return
from shops.returns.moving import Moved, WordsMissing
from shops.returns.requesting import (
    NothingChosen,
    NotReturnable,
    StillUnderWay,
    TooManyUnits,
    WindowOver,
)
from shops.returns.states import ReturnReason, ReturnState
from tests.factories.returns import Bought, ask, sent_order

pytestmark = pytest.mark.django_db


def test_it_asks_for_the_units_share_and_tells_of_it(order, mugs, now, settings):
    case = ask(order, units={mugs.pk: 2}, now=now)
    assert (case.goods_minor, case.shipping_minor) == (3980, 0)
    assert case.due_at == now + timedelta(days=settings.RETURN_SILENCE_DAYS)
    (event,) = case.events.all()
    assert (event.kind, event.from_state, event.to_state) == ("requested", "", "requested")
    fact = Event.objects.get(kind="ReturnChanged").payload
    assert (fact["return_id"], fact["order_id"], fact["state"]) == (
        str(case.pk),
        order.pk,
        "requested",
    )


def test_discount_and_tax_come_back_in_proportion(alice, shop, now):
    order = sent_order(alice, shop, Bought(quantity=3, discount_minor=500, tax_minor=1204), now=now)
    line = order.lines.get()
    parts = [ask(order, units={line.pk: 1}, now=now).goods_minor for _ in range(3)]
    assert sum(parts) == order.total_minor == 3 * 1990 - 500 + 1204
    assert max(parts) - min(parts) <= 1


def test_the_last_return_brings_the_shipping(order, mugs, lamp, now):
    assert ask(order, units={mugs.pk: 3}, now=now).shipping_minor == 0
    assert ask(order, units={lamp.pk: 1}, now=now).shipping_minor == 590


def test_the_shipping_comes_back_once(order, mugs, lamp, now):
    damaged = ask(order, units={mugs.pk: 1}, reason=ReturnReason.DAMAGED, now=now)
    again = ask(order, units={mugs.pk: 2}, reason=ReturnReason.DAMAGED, now=now)
    assert (damaged.shipping_minor, again.shipping_minor) == (590, 0)


def test_no_shipping_when_a_part_was_refused_and_stays(order, mugs, lamp, carol, now):
    first = ask(order, units={mugs.pk: 3}, now=now)
    deciding.reject(case_id=first.pk, reason="Used", by=carol, now=now)
    assert ask(order, units={lamp.pk: 1}, now=now).shipping_minor == 0


def test_never_more_units_than_were_bought(order, mugs, now):
    ask(order, units={mugs.pk: 2}, now=now)
    with pytest.raises(TooManyUnits) as refused:
        ask(order, units={mugs.pk: 2}, now=now)
    assert refused.value.extra["left"] == 1


def test_what_was_taken_back_may_be_asked_for_again(order, lamp, alice, case, now):
    requesting.cancel(case_id=case.pk, by=alice, now=now)
    again = ask(order, units={lamp.pk: 1}, now=now)
    assert again.goods_minor == 4000


def test_what_was_rejected_may_not(order, lamp, carol, case, now):
    deciding.reject(case_id=case.pk, reason="Used", by=carol, now=now)
    with pytest.raises(TooManyUnits):
        ask(order, units={lamp.pk: 1}, now=now)


def test_not_after_the_window(order, lamp, settings, now):
    late = order.delivered_at + timedelta(days=settings.RETURN_WINDOW_DAYS)
    assert ask(order, units={lamp.pk: 1}, now=late - timedelta(seconds=1))
    with pytest.raises(WindowOver):
        ask(order, now=late)
    assert requesting.returnable(order=order, now=late) == []


@pytest.mark.parametrize(
    "state", [OrderState.AWAITING_SHIPMENT, OrderState.CANCELLED, OrderState.UNPAID]
)
def test_not_of_what_was_not_sent(order, state, now):
    type(order).objects.filter(pk=order.pk).update(state=state)
    with pytest.raises(NotReturnable):
        ask(order, now=now)


def test_of_a_partly_shipped_order_only_what_was_sent(order, mugs, lamp, now):
    type(order).objects.filter(pk=order.pk).update(
        state=OrderState.PARTIALLY_SHIPPED, delivered_at=None
    )
    lamp.parcel_line.delete()
    with pytest.raises(NotFound):
        ask(order, units={lamp.pk: 1}, now=now)
    # The lamp is still to come, so the order does not come back as a whole.
    assert ask(order, units={mugs.pk: 3}, now=now).shipping_minor == 0


def test_a_parcel_that_moves_is_not_lost_for_seven_days(alice, shop, now):
    order = sent_order(alice, shop, delivered_ago=None, state=OrderState.IN_TRANSIT, now=now)
    parcel = order.lines.get().parcel_line.parcel
    early = parcel.shipped_at + timedelta(days=6)
    with pytest.raises(StillUnderWay):
        ask(order, reason=ReturnReason.NEVER_ARRIVED, now=early)
    type(parcel).objects.update(state=ParcelState.LOST)
    assert ask(order, reason=ReturnReason.NEVER_ARRIVED, now=early).state == "requested"


def test_nobody_elses_order(order, erin, now):
    with pytest.raises(NotFound):
        requesting.request(
            order_id=order.pk, buyer=erin, units={}, reason=ReturnReason.DAMAGED, now=now
        )


def test_nor_lines_of_another_order(order, alice, shop, now):
    other = sent_order(alice, shop, now=now)
    with pytest.raises(NotFound):
        ask(order, units={other.lines.get().pk: 1}, now=now)


def test_something_must_be_chosen(order, lamp, now):
    with pytest.raises(NothingChosen):
        ask(order, units={lamp.pk: 0}, now=now)


def test_something_else_needs_words(order, now):
    with pytest.raises(WordsMissing):
        ask(order, reason=ReturnReason.OTHER, words="  ", now=now)
    assert not Return.objects.exists()


def test_it_is_sent_once_and_only_when_approved(case, alice, carol, now):
    sending = {"case_id": case.pk, "by": alice, "now": now}
    with pytest.raises(Moved):
        requesting.send(carrier="Poste", tracking_number="X1", **sending)
    deciding.approve(case_id=case.pk, by=carol, now=now)
    with pytest.raises(WordsMissing):
        requesting.send(carrier=" ", tracking_number="X1", **sending)
    requesting.send(carrier="Poste", tracking_number="X1", **sending)
    with pytest.raises(Moved) as refused:
        requesting.send(carrier="Poste", tracking_number="X2", **sending)
    assert refused.value.extra["state"] == ReturnState.IN_TRANSIT
    case.refresh_from_db()
    assert (case.state, case.tracking_number, case.due_at) == ("in_transit", "X1", None)


def test_what_was_sent_can_not_be_taken_back(case, alice, carol, now):
    deciding.approve(case_id=case.pk, by=carol, now=now)
    requesting.send(case_id=case.pk, carrier="Poste", tracking_number="", by=alice, now=now)
    with pytest.raises(Moved):
        requesting.cancel(case_id=case.pk, by=alice, now=now)
