"""From a quote to an order: all of it or nothing, and once."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops.accounts.models import Address
from shops.checkout import services
from shops.checkout.models import CartLine, Quote
from shops.checkout.owner import CartOwner
from shops.checkout.services import placing
from shops.facts.batching import Heat
from shops.facts.models import Event
from shops.facts.refused import NotFound, Refused
from shops.orders.models import Order, OrderLine, Purchase
from shops.payments.models import Payment
from shops.stock.models import Hold, Stock
from shops.stock.services import expire_due
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.checkout import ADDRESS, purchase_of, quote_for

pytestmark = pytest.mark.django_db


def _place(quote, user, now, **more):
    return services.place_order(
        quote_id=quote.pk,
        buyer=user,
        address=ADDRESS,
        card_token="tok_success",
        now=now,
        **more,
    ).purchase


def _run_out(quote):
    Hold.objects.filter(id__in=quote.lines.values("hold_id")).update(
        expires_at=quote.created_at - timedelta(seconds=1)
    )


def test_one_order_per_shop_with_everything_frozen(alice, mug, now):
    other = SkuFactory(product__shop=ShopFactory(), price_minor=500)
    purchase = purchase_of(alice, mug, other, quantity=2, referral="signed", now=now)
    orders = list(purchase.orders.order_by("shop_id"))
    assert sorted(order.total_minor for order in orders) == [1000, 3980]
    assert purchase.total_minor == 4980
    line = OrderLine.objects.get(sku=mug)
    assert (line.title, line.options_text, line.unit_price_minor) == ("Mug", "red", 1990)
    assert (line.referral, line.fee_bps, line.commission_bps) == ("signed", 500, 1000)
    assert all(order.address == ADDRESS and order.number.startswith("LS-") for order in orders)


def test_the_stock_row_is_not_touched_and_the_holds_are_committed(alice, mug, now):
    quote = quote_for(alice, mug, quantity=2, now=now)
    before = Stock.objects.get(pk=mug.pk)
    _place(quote, alice, now)
    after = Stock.objects.get(pk=mug.pk)
    assert (after.rev, after.reserved) == (before.rev, before.reserved) == (before.rev, 2)
    assert Hold.objects.get().state == "committed"


def test_what_was_ordered_leaves_the_cart_and_what_came_later_stays(alice, mine, mug, scarf, now):
    quote = quote_for(alice, mug, quantity=2, now=now)
    services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=1, now=now)
    services.add_to_cart(owner=mine, sku_id=scarf.pk, quantity=1, now=now)
    _place(quote, alice, now)
    left = dict(CartLine.objects.values_list("sku_id", "quantity"))
    assert left == {mug.pk: 1, scarf.pk: 1}


def test_the_quotes_price_is_honoured_when_it_changed_since(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    mug.price_minor = 9900
    mug.save()
    assert _place(quote, alice, now).total_minor == 1990


def test_a_product_archived_during_checkout_is_still_sold_to_who_has_a_quote(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    mug.product.status = "archived"
    mug.product.save()
    assert _place(quote, alice, now).orders.count() == 1


def test_a_hold_that_ran_out_leaves_nothing_half_done(alice, mug, scarf, now):
    quote = quote_for(alice, mug, scarf, now=now)
    first = quote.lines.order_by("pk")[0]
    Hold.objects.filter(pk=first.hold_id).update(expires_at=now - timedelta(seconds=1))
    with pytest.raises(services.QuoteOver):
        _place(quote, alice, now)
    quote.refresh_from_db()
    assert quote.state == Quote.State.OPEN
    assert set(Hold.objects.values_list("state", flat=True)) == {"held"}
    assert not Order.objects.exists()
    assert alice.cart.lines.count() == 2


def test_a_hold_with_little_time_left_is_renewed_first(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    soon = datetime.now(UTC) + timedelta(seconds=60)
    Hold.objects.update(expires_at=soon)
    _place(quote, alice, now)
    assert Hold.objects.get().expires_at > soon


def test_a_given_up_quote_and_somebody_elses_are_refused(alice, bob, mug, now):
    quote = quote_for(alice, mug, now=now)
    with pytest.raises(NotFound):
        _place(quote, bob, now)
    services.cancel_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)
    with pytest.raises(services.QuoteOver):
        _place(quote, alice, now)


def test_a_second_order_of_a_quote_names_the_first(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    number = _place(quote, alice, now).orders.get().number
    with pytest.raises(services.AlreadyOrdered) as refused:
        _place(quote, alice, now)
    assert refused.value.extra == {"number": number}


def test_a_new_address_is_remembered_when_asked_and_a_full_book_is_no_obstacle(bob, mug, now):
    quote = quote_for(bob, mug, now=now)
    _place(quote, bob, now, save_address=True)
    assert bob.addresses.get().is_default
    Address.objects.bulk_create(Address(user=bob, **ADDRESS) for _ in range(60))
    quote = quote_for(bob, mug, now=now)
    _place(quote, bob, now, save_address=True)
    assert bob.addresses.count() == 61


BREAKS = {
    "nothing": None,
    "orders": (placing.orders, "write"),
    "payment": (placing.payments, "creating"),
    "cart": (placing, "changed_carts"),
    "facts": (placing, "publish_behind"),
}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    goods=st.lists(
        st.tuples(st.integers(1, 100_000), st.integers(1, 9), st.integers(0, 2)),
        min_size=1,
        max_size=6,
    ),
    broken=st.sampled_from([*BREAKS, "a hold"]),
)
def test_all_or_nothing_and_totals_are_the_sum_of_their_lines(db, goods, broken):
    now = datetime.now(UTC)
    buyer, shops = UserFactory(), [ShopFactory() for _ in range(3)]
    owner = CartOwner(user_id=buyer.pk)
    for price, quantity, shop in goods:
        sku = SkuFactory(product=ProductFactory(shop=shops[shop]), price_minor=price)
        services.add_to_cart(owner=owner, sku_id=sku.pk, quantity=quantity, now=now)
    quote = services.start_quote(owner=owner, now=now)
    if broken == "a hold":
        _run_out(quote)
    before = _everything(buyer, quote)
    with pytest.MonkeyPatch.context() as patch:
        if BREAKS.get(broken):
            patch.setattr(*BREAKS[broken], _break)
        try:
            purchase = _place(quote, buyer, now)
        except (Broken, services.QuoteOver):
            assert broken != "nothing"
            assert _everything(buyer, quote) == before
            return
    assert broken == "nothing"
    expected = sum(price * quantity for price, quantity, _ in goods)
    orders = list(purchase.orders.all())
    assert purchase.total_minor == quote.total_minor == expected
    assert expected == sum(order.total_minor for order in orders)
    for order in orders:
        assert order.total_minor == sum(line.total_minor for line in order.lines.all())
    assert len(orders) == len({shop for _, _, shop in goods})
    assert Payment.objects.get(purchase=purchase).amount_minor == expected
    placed = Event.objects.filter(kind="OrderPlaced", payload__buyer_id=buyer.pk)
    assert sum(event.payload["total_minor"] for event in placed) == expected
    assert not CartLine.objects.filter(cart__user=buyer).exists()


class Broken(Exception):
    pass


def _break(*args, **kwargs):
    raise Broken


def _everything(buyer, quote):
    holds = Hold.objects.filter(id__in=quote.lines.values("hold_id"))
    return {
        "quote": Quote.objects.get(pk=quote.pk).state,
        "holds": sorted(holds.values_list("id", "state")),
        "cart": sorted(CartLine.objects.filter(cart__user=buyer).values_list("sku_id", "quantity")),
        "orders": Order.objects.count(),
        "purchases": Purchase.objects.count(),
        "payments": Payment.objects.count(),
        "events": Event.objects.count(),
    }


def _at_once(*works):
    """Run works in threads that begin together; return their results and errors."""
    barrier, results = threading.Barrier(len(works)), []

    def run(work):
        barrier.wait()
        try:
            results.append(work())
        except (Refused, IntegrityError) as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_without_a_key_the_quote_still_gives_only_one_order(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    results = _at_once(*[lambda: _place(quote, alice, now)] * 4)
    assert sum(isinstance(one, Purchase) for one in results) == 1
    assert sum(isinstance(one, services.AlreadyOrdered) for one in results) == 3
    assert Purchase.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_quotes_state_the_hold_is_what_refuses(alice, mug, now, monkeypatch):
    """Show what each guard does: with the quote's put aside, the next one gives the "no"."""
    monkeypatch.setattr(placing, "_heat", Heat(above=1000))  # alone, whoever was here before
    quote = quote_for(alice, mug, now=now)
    _place(quote, alice, now)
    Quote.objects.update(state=Quote.State.OPEN)
    with pytest.raises(Refused) as refused:
        _place(quote, alice, now)
    assert refused.value.code == "quote_over"
    Hold.objects.update(state="held")
    with pytest.raises(IntegrityError, match="quote_id"):
        _place(quote, alice, now)
    assert Purchase.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(4))
def test_expiry_and_order_at_once_end_in_one_or_the_other(alice, mug, now, round_number):
    quote = quote_for(alice, mug, quantity=2, now=now)
    # The order sees the hold alive; the sweeper is told a later hour and takes it for over.
    later = now + timedelta(minutes=20)
    _at_once(
        lambda: _place(quote, alice, now),
        lambda: expire_due(now=later, limit=10),
    )
    ordered, hold = Purchase.objects.count(), Hold.objects.get()
    stock = Stock.objects.get(pk=mug.pk)
    if ordered:
        assert (hold.state, stock.reserved) == ("committed", 2)
    else:
        assert (hold.state, stock.reserved) == ("expired", 0)


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_widens_a_column_costs_nobody_their_order(
    alice, bob, mug, now, monkeypatch
):
    def widen(size):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE checkout_quote ALTER signature TYPE varchar({size})")

    monkeypatch.setattr(placing, "_heat", Heat(above=1000))  # alone, whoever was here before
    # As where there is a pool.
    connection.connection.prepare_threshold = 5
    first, second = quote_for(alice, mug, now=now), quote_for(bob, mug, now=now)
    _place(first, alice, now)
    try:
        _at_once(lambda: widen(80))
        _place(second, bob, now)
    finally:
        widen(64)
    assert Purchase.objects.count() == 2


def test_an_unknown_quote_is_not_found(alice, now):
    with pytest.raises(NotFound):
        services.place_order(
            quote_id=uuid.uuid4(), buyer=alice, address=ADDRESS, card_token="tok_success", now=now
        )
