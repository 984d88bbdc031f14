"""The all-in quote: what it promises, choosing within it, and that nobody can change it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shops.checkout import services
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.owner import CartOwner
from shops.facts.refused import NotFound
from shops.orders.models import Order, OrderLine
from shops.orders.services import cancel, expire, mark_paid, record_refund, reopen
from shops.pricing.models import ShippingRate, TaxRate, Voucher
from shops.pricing.services import VoucherRefused, VoucherUsedUp, end_deal
from shops.stock.models import Hold
from shops.stock.services import NoMoreTime
from tests.factories.catalog import ShopFactory, SkuFactory
from tests.factories.checkout import ADDRESS, quote_for
from tests.factories.pricing import deal, sends, tax, voucher
from tests.shops.orders.life import sent

pytestmark = pytest.mark.django_db


def _place(quote, user, now, **more):
    return services.place_order(
        quote_id=quote.pk,
        buyer=user,
        address=more.pop("address", ADDRESS),
        card_token="tok_success",
        now=now,
        **more,
    ).purchase


def _reprice(quote, now, **more):
    return services.reprice_quote(quote_id=quote.pk, buyer_id=quote.buyer_id, now=now, **more)


def _adds_up(quote):
    lines, sent = list(quote.lines.all()), list(quote.shipments.all())
    added = sum(one.tax_minor for one in [*lines, *sent] if not one.is_tax_inclusive)
    assert quote.goods_minor == sum(line.total_minor for line in lines)
    assert quote.discount_minor == sum(line.discount_minor for line in lines)
    assert quote.tax_minor == sum(one.tax_minor for one in [*lines, *sent])
    assert quote.total_minor == (
        quote.goods_minor - quote.discount_minor + quote.shipping_minor + added
    )


def test_it_counts_deals_shipping_tax_and_vouchers_and_so_do_the_orders(alice, shop, mug, now):
    other = SkuFactory(product__shop=ShopFactory(), price_minor=10_000)
    tax("IT", 2200, is_inclusive=False)
    sends(shop, IT=490)
    deal(mug, 1500, now=now)
    made = voucher(shop, bps=1000, now=now)
    quote = quote_for(alice, mug, other, quantity=2, now=now)
    quote = _reprice(quote, now, add_code="spring")
    _adds_up(quote)
    line = quote.lines.get(sku=mug)
    assert (line.list_price_minor, line.unit_price_minor, line.discount_minor) == (1990, 1500, 300)
    assert quote.total_minor == 3000 - 300 + 490 + 20_000 + 594 + 108 + 4400

    purchase = _place(quote, alice, now, signature=quote.signature)

    assert purchase.total_minor == quote.total_minor
    order = Order.objects.get(shop=shop)
    assert (order.goods_minor, order.discount_minor, order.shipping_minor) == (3000, 300, 490)
    assert (order.tax_minor, order.shipping_tax_minor, order.total_minor) == (594, 108, 3892)
    assert OrderLine.objects.get(sku=mug).tax_bps == 2200
    made.refresh_from_db()
    assert (made.used, made.uses.get().purchase_id) == (1, purchase.pk)


def test_everything_is_honoured_when_it_changed_since(alice, shop, mug, now):
    sends(shop, IT=490)
    running = deal(mug, 1500, now=now)
    quote = quote_for(alice, mug, now=now)
    end_deal(shop=shop, deal_id=running.pk, now=now)
    ShippingRate.objects.update(base_minor=9900)
    tax("IT", 2200, is_inclusive=False)
    assert _place(quote, alice, now, signature=quote.signature).total_minor == 1990


def test_another_country_is_priced_anew_and_goods_keep_their_price(alice, shop, mug, now):
    sends(shop, IT=490, anywhere=1500)
    tax("US", 1000, is_inclusive=False)
    quote = quote_for(alice, mug, now=now)
    mug.price_minor = 9900
    mug.save()
    before = quote.signature
    there = _reprice(quote, now, country="US")
    _adds_up(there)
    assert (there.country, there.total_minor) == ("US", 1990 + 1500 + 199 + 150)
    assert there.signature != before
    assert _reprice(quote, now, country="IT").signature == before


def test_an_address_elsewhere_and_an_old_price_are_refused_and_change_nothing(
    alice, shop, mug, now
):
    quote = quote_for(alice, mug, now=now)
    old = quote.signature
    with pytest.raises(services.OtherCountry):
        _place(quote, alice, now, address={**ADDRESS, "country": "US"})
    sends(shop, IT=490)
    _reprice(quote, now)
    with pytest.raises(services.QuoteMoved):
        _place(quote, alice, now, signature=old)
    assert Quote.objects.get().state == Quote.State.OPEN
    assert not Order.objects.exists()


def test_what_is_not_sent_there_can_not_be_ordered_there(alice, shop, mug, now):
    sends(shop, FR=490)
    quote = quote_for(alice, mug, now=now)
    with pytest.raises(services.NotShipped):
        _place(quote, alice, now)


def test_the_chosen_way_and_voucher_go_over_to_the_next_quote(alice, mine, shop, mug, now):
    sends(shop, "Standard", IT=490)
    express = sends(shop, "Express", IT=990)
    voucher(shop, bps=1000, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, choices={shop.pk: express.pk}, add_code="SPRING")
    again = quote_for(alice, mug, now=now)
    assert again.pk != quote.pk
    assert (again.shipping_minor, again.discount_minor) == (990, 398)
    dropped = _reprice(again, now, drop_code="spring")
    assert (dropped.discount_minor, dropped.shipping_minor) == (0, 990)


def test_a_voucher_that_leaves_nothing_to_pay_is_refused(alice, shop, mug, now):
    voucher(shop, bps=10_000, now=now)
    quote = quote_for(alice, mug, now=now)
    with pytest.raises(VoucherRefused, match="nothing to pay"):
        _reprice(quote, now, add_code="SPRING")


def test_a_voucher_falls_away_where_a_cheaper_way_to_send_leaves_nothing_to_pay(
    alice, shop, mug, now
):
    dear, free = sends(shop, "Post", IT=490), sends(shop, "Pick up", IT=0)
    voucher(shop, bps=10_000, now=now)
    quote = _reprice(quote_for(alice, mug, now=now), now, choices={shop.pk: dear.pk})
    quote = _reprice(quote, now, add_code="SPRING")
    assert quote.total_minor == 490

    quote = _reprice(quote, now, choices={shop.pk: free.pk})

    assert (quote.discount_minor, quote.total_minor) == (0, 1990)
    assert not quote.vouchers.exists()
    assert _place(quote, alice, now).total_minor == 1990


def test_a_voucher_that_others_used_up_is_no_order(alice, shop, mug, now):
    made = voucher(shop, bps=1000, most_uses=1, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, add_code="SPRING")
    Voucher.objects.update(used=1)
    with pytest.raises(VoucherUsedUp):
        _place(quote, alice, now)
    assert not Order.objects.exists()
    assert Hold.objects.get().state == "held"
    assert _reprice(quote, now).total_minor == 1990
    assert not made.uses.exists()


def test_a_voucher_comes_back_with_the_fact_that_the_order_came_to_nothing(
    alice, shop, mug, now, carried_out
):
    made = voucher(shop, bps=1000, most_uses=1, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, add_code="SPRING")
    purchase = _place(quote, alice, now)
    cancel(order_id=purchase.orders.get().pk, reason="", now=now)
    carried_out("OrderCancelled")
    made.refresh_from_db()
    assert made.used == 0


@pytest.mark.parametrize(
    ("part_minor", "is_sent", "used"),
    [(0, False, 0), (1, False, 1), (0, True, 1)],
    ids=["whole", "in part", "sent"],
)
def test_a_voucher_comes_back_when_all_was_refunded_before_anything_was_sent(
    alice, shop, mug, now, carried_out, part_minor, is_sent, used
):
    made = voucher(shop, bps=1000, most_uses=1, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, add_code="SPRING")
    purchase = _place(quote, alice, now)
    mark_paid(purchase_id=purchase.pk, now=now)
    order = purchase.orders.get()
    if is_sent:
        sent(order, now=now)
    record_refund(order_id=order.pk, amount_minor=part_minor or order.total_minor, now=now)
    carried_out("OrderRefunded")
    made.refresh_from_db()
    assert made.used == used


@pytest.mark.parametrize("first", ["OrderExpired", "OrderReopened"])
def test_a_voucher_counts_when_its_expired_order_is_paid_late(
    alice, shop, mug, now, carried_out, first
):
    made = voucher(shop, bps=1000, most_uses=1, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, add_code="SPRING")
    purchase = _place(quote, alice, now)
    assert expire(purchase_id=purchase.pk, now=purchase.pay_by)
    if first == "OrderExpired":
        carried_out("OrderExpired")
        assert Voucher.objects.get().used == 0
    reopen(purchase_id=purchase.pk, now=now)
    carried_out("OrderReopened")
    carried_out("OrderExpired")
    made.refresh_from_db()
    assert (made.used, made.uses.get().given_back_at) == (1, None)


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Quote, {"total_minor": 1}),
        (Quote, {"country": "US"}),
        (QuoteLine, {"unit_price_minor": 1}),
        (QuoteLine, {"quantity": 9}),
        (QuoteLine, {"discount_minor": 1989}),
        (QuoteLine, {"referral": "mine"}),
        (QuoteLine, {"most_per_buyer": 99}),
        (QuoteShipment, {"amount_minor": 0}),
        (QuoteVoucher, {"discount_minor": 1989}),
        (Quote, {"signature": ""}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else next(iter(value)),
)
def test_a_row_that_was_changed_behind_our_back_is_refused(alice, shop, mug, now, model, change):
    sends(shop, IT=490)
    voucher(shop, bps=1000, now=now)
    quote = quote_for(alice, mug, now=now)
    _reprice(quote, now, add_code="SPRING")
    model.objects.update(**change)
    address = {**ADDRESS, "country": change.get("country", "IT")}
    with pytest.raises(services.QuoteTampered):
        _place(quote, alice, now, address=address)
    with pytest.raises(services.QuoteTampered):
        _reprice(quote, now)
    assert not Order.objects.exists()


def test_somebody_elses_quote_can_not_be_priced_or_kept(alice, bob, mug, now):
    quote = quote_for(alice, mug, now=now)
    with pytest.raises(NotFound):
        services.reprice_quote(quote_id=quote.pk, buyer_id=bob.pk, now=now)
    with pytest.raises(NotFound):
        services.extend_quote(quote_id=quote.pk, buyer_id=bob.pk, now=now)


def test_a_quote_can_be_kept_longer_but_not_for_ever(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    Hold.objects.update(expires_at=now + timedelta(minutes=1))
    Quote.objects.update(expires_at=now + timedelta(minutes=1))
    longer = services.extend_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)
    assert longer.expires_at > now + timedelta(minutes=4)
    Hold.objects.update(created_at=now - timedelta(minutes=14))
    with pytest.raises(NoMoreTime):
        services.extend_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)


@pytest.mark.parametrize(
    ("currency", "price", "total"), [("JPY", 333, 999), ("KWD", 19_995, 59_985)]
)
def test_other_currencies_are_exact_from_quote_to_order(alice, now, currency, price, total):
    there = ShopFactory(currency=currency)
    sku = SkuFactory(product__shop=there, price_minor=price, currency=currency)
    tax("IT", 1000)
    quote = quote_for(alice, sku, quantity=3, now=now)
    assert (quote.total_minor, _place(quote, alice, now).total_minor) == (total, total)
    assert TaxRate.objects.count() == 1


def test_starting_and_placing_ask_as_few_questions_for_a_long_cart_as_for_a_short_one(
    alice, bob, shop, now
):
    sends(shop, IT=490)
    asked = []
    for buyer, length in ((alice, 1), (bob, 6)):
        owner = CartOwner(user_id=buyer.pk)
        for _ in range(length):
            sku = SkuFactory(product__shop=shop)
            services.add_to_cart(owner=owner, sku_id=sku.pk, quantity=1, now=now)
        with CaptureQueriesContext(connection) as starting:
            quote = services.start_quote(owner=owner, now=now)
        with CaptureQueriesContext(connection) as placing:
            _place(quote, buyer, now)
        asked.append((len(starting), len(placing)))
    assert asked[0] == asked[1]
