"""Settlement: when an order's money is released, to whom, and what is held back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from creators.pieces import referral
from shops.facts.models import Event
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.orders.events import OrderDelivered
from shops.payouts import checks, planning, queries, reactions, settling
from shops.payouts.models import Part, Reserve, Settlement, SettlementState
from shops.returns.models import Return
from tests.factories.payouts import came_back, charged_back, delivered, line, refund, refunded, won

pytestmark = pytest.mark.django_db


def owed(kind, owner="", currency="EUR"):
    return -ledger.balance_of(kind=kind, owner=owner, currency=currency)


def settle(order, now):
    return settling.settle(order_id=order.pk, now=now)


def test_everybody_gets_their_part_and_escrow_is_empty(now, shop):
    sold = line(
        10_000,
        discount_minor=1_000,
        tax_minor=1_623,
        tax_bps=2_200,
        commission_bps=1_000,
        referral=referral.make(3, 7),
    )
    order = delivered(now=now, shop=shop, lines=[sold], shipping_minor=590, shipping_tax_minor=106)
    owner = f"shop:{shop.pk}"

    assert settle(order, now)

    # Goods 90.00, of which 16.23 is tax: fee and commission are of 73.77.
    assert owed(Kind.ORDER_ESCROW, owner) == 0
    assert owed(Kind.TAX_PAYABLE) == 1_623 + 106
    assert owed(Kind.CREATOR_COMMISSION_PAYABLE, "creator:7") == 738
    assert owed(Kind.PLATFORM_FEE) + owed(Kind.CREATOR_FUND) == 369
    assert owed(Kind.CREATOR_FUND) == 37
    sellers = 9_000 + 590 - 1_729 - 738 - 369
    assert owed(Kind.SELLER_RESERVE, owner) == round(sellers * 0.05)
    assert owed(Kind.SELLER_PAYABLE, owner) == sellers - round(sellers * 0.05)
    order.refresh_from_db()
    assert order.settled_at == now
    assert Event.objects.filter(kind="OrderSettled").count() == 1


def test_an_order_is_released_once(now):
    order = delivered(now=now)

    assert settle(order, now)
    assert not settle(order, now)
    assert settling.settle_due(now=now) == 0


@pytest.mark.parametrize(("days_ago", "released"), [(6, 0), (7, 1)])
def test_the_days_for_returns_are_waited_for(now, days_ago, released):
    delivered(now=now, days_ago=days_ago)

    assert settling.settle_due(now=now) == released


def test_an_open_return_keeps_the_money_and_a_closed_one_does_not(now):
    order = delivered(now=now)
    case = Return.objects.create(
        order=order,
        buyer=order.buyer,
        reason="damaged",
        currency=order.currency,
        goods_minor=1_000,
        requested_at=now,
    )

    assert not settle(order, now)

    Return.objects.filter(pk=case.pk).update(state="closed")
    assert settle(order, now)


def test_a_commission_that_nobody_earned_stays_with_the_seller(now):
    order = delivered(now=now, lines=[line(commission_bps=1_000, referral="forged")])

    assert not Part.objects.filter(kind=Kind.CREATOR_COMMISSION_PAYABLE).exists()
    assert Part.objects.get(kind=Kind.SELLER_PAYABLE).amount_minor == 950
    assert settle(order, now)


def test_a_refund_before_the_release_leaves_the_rest_in_proportion(now, shop):
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    refunded(order, 5_000, now=now)

    assert settle(order, now)

    assert owed(Kind.ORDER_ESCROW, f"shop:{shop.pk}") == 0
    assert owed(Kind.PLATFORM_FEE) + owed(Kind.CREATOR_FUND) == 250


def test_more_refunded_orders_need_no_more_queries(now, shop):
    asked = []
    for minor in (400, 300, 200):
        refunded(delivered(now=now, shop=shop), minor, now=now)
        with CaptureQueriesContext(connection) as made:
            [balance] = queries.balances(owner=f"shop:{shop.pk}")
        asked.append(len(made))
    # Of each 10.00 what is left, less a fee of 5 %.
    assert balance.coming_minor == 570 + 665 + 760
    assert asked[1] == asked[2]


def test_what_was_refunded_whole_is_closed_without_a_release(now, shop):
    order = delivered(now=now, shop=shop)
    refunded(order, 1_000, now=now)

    assert settle(order, now)

    assert Settlement.objects.get(order=order).state == SettlementState.VOID
    order.refresh_from_db()
    assert order.settled_at is None


def test_a_refund_that_was_made_before_but_posted_after_the_release_counts_once(now, shop):
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    fact = refund(order, 10_000, now=now)

    assert settle(order, now)
    reactions.reverse_released(fact, event_id=0, now=now)
    reactions.reverse_released(fact, event_id=0, now=now)

    assert set(ledger.balances_of_owner(owner=f"shop:{shop.pk}").values()) == {0}
    assert ledger.balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == 0


def test_an_order_waits_until_its_capture_is_in_the_books(now, shop, monkeypatch):
    monkeypatch.setattr("tests.factories.payouts.capture", lambda *args, **kwargs: None)
    order = delivered(now=now, shop=shop)

    assert not settle(order, now)


def test_a_refund_that_is_in_the_books_before_its_capture_closes_nothing(now, shop, monkeypatch):
    monkeypatch.setattr("shops.payments.reactions.post_capture", lambda *args, **kwargs: None)
    order = delivered(now=now, shop=shop)
    refunded(order, 400, now=now)

    assert not settle(order, now)
    assert Settlement.objects.get().state == SettlementState.WAITING


def test_one_that_cannot_be_released_keeps_no_other_one_waiting(now, shop, caplog):
    broken, other = (delivered(now=now, shop=shop, days_ago=days) for days in (9, 8))
    Part.objects.filter(settlement__order=broken).delete()

    assert settling.settle_due(now=now) == 1

    other.refresh_from_db()
    assert other.settled_at == now
    assert f"order {broken.pk}" in caplog.text
    assert f"order {broken.number} should have been released, and still waits" in list(
        checks.off(now=now + timedelta(hours=2))
    )


def test_the_reserve_is_released_after_its_days_and_once(now, shop):
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    settle(order, now)
    held = Reserve.objects.get().left_minor
    later = now + timedelta(days=30)

    assert settling.release_reserves(now=later - timedelta(seconds=1)) == 0
    assert settling.release_reserves(now=later) == 1
    assert settling.release_reserves(now=later) == 0

    assert held == 475
    assert owed(Kind.SELLER_RESERVE, f"shop:{shop.pk}") == 0
    assert owed(Kind.SELLER_PAYABLE, f"shop:{shop.pk}") == 9_500


def test_a_full_refund_after_the_release_takes_everything_back(now, shop):
    sold = line(9_999, commission_bps=777, referral=referral.make(1, 2), tax_minor=13)
    order = delivered(now=now, shop=shop, lines=[sold])
    settle(order, now)

    refunded(order, 3_333, now=now)
    refunded(order, 6_666, now=now)

    balances = {row.account.kind: row.balance_minor for row in ledger.trial_balance()}
    assert set(balances.values()) == {0}
    assert Kind.CREATOR_COMMISSION_PAYABLE in balances
    assert Reserve.objects.get().left_minor == 0


def test_delivery_sets_the_day_of_the_release(now):
    order = delivered(now=now, days_ago=0)
    Settlement.objects.all().delete()
    order.refresh_from_db()

    fact = OrderDelivered(
        order_id=order.pk,
        number=order.number,
        purchase_id=str(order.purchase_id),
        buyer_id=order.buyer_id,
        shop_id=order.shop_id,
        currency="EUR",
        total_minor=1_000,
        referrals=[],
        delivered_at=order.delivered_at,
    )

    reactions.schedule(fact, event_id=0, now=now)

    assert Settlement.objects.get().due_at == order.delivered_at + timedelta(days=7)


def test_rates_are_those_of_the_plan_not_of_today(now, settings):
    order = delivered(now=now, lines=[line(10_000)])
    settings.FUND_BPS, settings.RESERVE_BPS, settings.PLATFORM_FEE_BPS = 9_000, 9_000, 9_000

    settle(order, now)

    assert owed(Kind.CREATOR_FUND) == 50
    assert Reserve.objects.get().amount_minor == 475


def test_paid_orders_are_planned_before_they_are_delivered(now):
    order = delivered(now=now)
    Settlement.objects.all().delete()

    assert planning.plan_new(now=now) == 1
    assert planning.plan_new(now=now) == 0
    assert planning.plan([order.pk], now=now) == 0
    assert sum(Part.objects.values_list("amount_minor", flat=True)) == order.total_minor


@pytest.mark.parametrize("released", [False, True], ids=["escrow", "released"])
def test_a_bank_that_takes_more_than_was_left_leaves_a_refund_under_way_its_part(
    now, shop, released
):
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    if released:
        settle(order, now)
    fact = refund(order, 4_000, now=now)

    charged_back(order, 10_000, now=now)
    reactions.reverse_released(fact, event_id=0, now=now)

    assert set(ledger.balances_of_owner(owner=f"shop:{shop.pk}").values()) == {0}
    assert owed(Kind.PLATFORM_FEE) == owed(Kind.CREATOR_FUND) == 0
    assert owed(Kind.CHARGE_BACK_LOSS) == -4_000
    assert owed(Kind.PSP_CLEARING) == 4_000


def trial():
    return {row.account: row.balance_minor for row in ledger.trial_balance() if row.balance_minor}


def test_a_charge_back_that_is_won_leaves_everything_as_it_was(now, shop):
    sold = line(9_999, commission_bps=777, referral=referral.make(1, 2), tax_minor=13)
    order = delivered(now=now, shop=shop, lines=[sold])
    settle(order, now)
    before = trial()

    won(charged_back(order, 9_999, now=now), now=now)

    assert trial() == before
    assert Settlement.objects.get().left_minor == 9_999
    assert list(checks.off(now=now)) == []


def test_a_refund_that_did_not_arrive_leaves_everything_as_it_was_and_is_given_anew(now, shop):
    order = delivered(now=now, shop=shop, lines=[line(9_999, commission_bps=777)])
    settle(order, now)
    before = trial()

    came_back(refunded(order, 3_333, now=now), now=now)

    assert trial() == before
    assert list(checks.off(now=now)) == []
    order.refresh_from_db()
    refunded(order, 9_999, now=now)
    assert Settlement.objects.get().left_minor == 0
    assert owed(Kind.CHARGE_BACK_LOSS) == 0


def test_money_of_a_charge_back_that_is_won_is_released_after_all(now, shop):
    order = delivered(now=now, shop=shop)
    taken = charged_back(order, 1_000, now=now)
    settle(order, now)
    assert Settlement.objects.get().state == SettlementState.VOID

    won(taken, now=now)

    assert settling.settle_due(now=now) == 1
    assert owed(Kind.SELLER_PAYABLE, f"shop:{shop.pk}") > 0


def test_a_charge_back_is_split_over_the_purchases_orders(now):
    first = delivered(now=now, lines=[line(6_000)])
    second = delivered(now=now, lines=[line(3_000)])
    settle(second, now)
    second.purchase = first.purchase
    second.save(update_fields=["purchase"])
    fact = charged_back(first, 900, now=now)

    reactions.post_charge_back(fact, event_id=1, now=now)

    left = Settlement.objects.in_bulk(field_name="order_id")
    assert left[second.pk].left_minor == 2_700
    assert owed(Kind.ORDER_ESCROW, f"shop:{first.shop_id}") == 6_000 - 600
