import uuid
from datetime import timedelta

import pytest
from django.db import connection

from creators.live import queries
from creators.pieces import referral
from shops.orders.models import Order, OrderLine, OrderState, Purchase
from tests.factories.catalog import SkuFactory
from tests.factories.creators import LiveSessionFactory
from tests.factories.scoring import paid_order


@pytest.fixture
def sell(alice, shop, now):
    """sell(piece, lines=[(units, price_minor), …]) writes down an order with a line for each."""

    def order(piece, *, lines, other=0, refunded=0, paid=True, fee_bps=500, currency="EUR"):
        total = sum(units * price for units, price in lines) + other
        purchase = Purchase.objects.create(
            buyer=alice,
            quote_id=uuid.uuid4(),
            currency=currency,
            total_minor=total,
            placed_at=now,
            pay_by=now + timedelta(minutes=30),
        )
        placed = Order.objects.create(
            number=uuid.uuid4().hex[:20],
            purchase=purchase,
            shop=shop,
            buyer=alice,
            state=OrderState.AWAITING_SHIPMENT if paid else OrderState.UNPAID,
            currency=currency,
            total_minor=total,
            refunded_minor=refunded,
            address={},
            placed_at=now,
            paid_at=now if paid else None,
        )
        texts = [referral.make(piece.pk, piece.creator_id) for _ in lines]
        if other:
            lines, texts = [*lines, (1, other)], [*texts, ""]
        for (units, price), text in zip(lines, texts, strict=True):
            OrderLine.objects.create(
                order=placed,
                sku=SkuFactory(product__shop=shop),
                hold_id=uuid.uuid4(),
                title="Silk scarf",
                options_text="red",
                quantity=units,
                unit_price_minor=price,
                referral=text,
                fee_bps=fee_bps,
                commission_bps=1000,
            )
        return placed

    return order


def test_a_show_without_sales_has_sold_nothing(show):
    assert queries.show_figures(show.pk) == queries.ShowFigures(0, 0, "EUR", 0, 0, 0)


def test_paid_lines_of_the_show_are_counted(show, sell):
    sell(show.piece, lines=[(2, 1990), (1, 500)])
    sell(show.piece, lines=[(1, 1000)])
    figures = queries.show_figures(show.pk)
    assert (figures.orders, figures.units, figures.gmv_minor) == (2, 4, 5480)
    # 5 % of each line, rounded half up: 199 + 25 + 50.
    assert figures.net_minor == 5480 - 274


def test_unpaid_orders_and_other_peoples_sales_are_not(show, sell):
    sell(show.piece, lines=[(1, 1000)], paid=False)
    sell(LiveSessionFactory().piece, lines=[(1, 1000)])
    assert queries.show_figures(show.pk).orders == 0


def test_lines_of_the_same_order_from_elsewhere_are_not(show, sell):
    sell(show.piece, lines=[(1, 1000)], other=7000)
    assert queries.show_figures(show.pk).gmv_minor == 1000


def test_what_was_refunded_in_full_leaves_nothing(show, sell):
    sell(show.piece, lines=[(1, 1990)], refunded=1990)
    figures = queries.show_figures(show.pk)
    assert (figures.gmv_minor, figures.refunded_minor, figures.net_minor) == (1990, 1990, 0)


def test_a_refund_of_a_part_is_shared_by_amount(show, sell):
    sell(show.piece, lines=[(1, 1000)], other=3000, refunded=400)
    figures = queries.show_figures(show.pk)
    assert figures.refunded_minor == 100
    assert figures.net_minor == 900 - 45


def test_currencies_are_not_added_up(show, sell):
    sell(show.piece, lines=[(1, 1000)])
    sell(show.piece, lines=[(1, 90_000)], currency="JPY")
    figures = queries.show_figures(show.pk)
    assert (figures.orders, figures.currency, figures.gmv_minor) == (2, "JPY", 90_000)


def test_an_order_of_nothing_divides_by_nothing(show, sell):
    sell(show.piece, lines=[(1, 0)])
    assert queries.show_figures(show.pk).net_minor == 0


def test_the_sold_feed_names_goods_and_not_people(show, sell, alice):
    sell(show.piece, lines=[(2, 1990)])
    (line,) = queries.recent_sales(show.pk)
    assert (line.title, line.options_text, line.quantity, line.total_minor) == (
        "Silk scarf",
        "red",
        2,
        3980,
    )


def test_the_lines_of_a_show_are_found_by_the_index(show, now):
    order = paid_order(piece=show.piece, at=now)
    line = order.lines.get()
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            sku=line.sku,
            hold_id=uuid.uuid4(),
            title="A thing of another show",
            quantity=1,
            unit_price_minor=1,
            referral=referral.make(show.pk + 1 + number, show.piece.creator_id),
            fee_bps=500,
            commission_bps=0,
        )
        for number in range(400)
    )
    with connection.cursor() as cursor:
        # Of an empty table every plan is as good as any other.
        cursor.execute("ANALYZE orders_orderline")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "orders_line_referral" in queries._paid_lines(show.pk).explain()
