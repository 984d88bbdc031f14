"""A quote keeps prices and stock until its time is over."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from shops.checkout import services
from shops.checkout.models import Quote
from shops.checkout.owner import CartOwner
from shops.checkout.queries import open_quote
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.stock.models import Hold, Stock
from tests.factories.checkout import quote_for

pytestmark = pytest.mark.django_db(transaction=True)


def _reserved(sku):
    return Stock.objects.get(pk=sku.pk).reserved


def _run_out(quote):
    """Let a quote's time be over."""
    past = quote.created_at - timedelta(hours=1)
    Quote.objects.filter(pk=quote.pk).update(expires_at=past)
    Hold.objects.filter(id__in=quote.lines.values("hold_id")).update(expires_at=past)


def test_it_keeps_every_line_and_freezes_the_total(alice, mug, scarf, now):
    quote = quote_for(alice, mug, scarf, quantity=2, now=now)
    assert quote.total_minor == 2 * 1990 + 2 * 2500
    assert (_reserved(mug), _reserved(scarf)) == (2, 2)
    assert set(quote.lines.values_list("hold_id", flat=True)) == set(
        Hold.objects.values_list("id", flat=True)
    )
    assert now < quote.expires_at <= now + timedelta(seconds=615)


def test_an_unchanged_cart_comes_back_to_its_quote_and_price(alice, mine, mug, now):
    quote = quote_for(alice, mug, now=now)
    mug.price_minor = 9900
    mug.save()
    again = services.start_quote(owner=mine, now=now)
    assert (again.pk, again.total_minor) == (quote.pk, 1990)
    assert _reserved(mug) == 1


def test_a_changed_cart_gets_a_new_quote_and_lets_the_old_units_go(alice, mug, now):
    old = quote_for(alice, mug, quantity=2, now=now)
    new = quote_for(alice, mug, quantity=1, now=now)
    old.refresh_from_db()
    assert old.state == Quote.State.CLOSED
    assert new.lines.get().quantity == _reserved(mug) == 3


def test_all_or_none_is_kept(alice, bob, mug, scarf, now):
    quote_for(bob, scarf, quantity=2, now=now)
    services.add_to_cart(owner=CartOwner(user_id=alice.pk), sku_id=scarf.pk, quantity=1, now=now)
    Stock.objects.filter(pk=scarf.pk).update(on_hand=2)
    with pytest.raises(services.ShortOfStock) as refused:
        quote_for(alice, mug, now=now)
    assert refused.value.extra["short"] == [{"sku_id": scarf.pk, "left": 0}]
    assert _reserved(mug) == 0
    assert open_quote(buyer_id=alice.pk) is None


def test_what_is_no_longer_sold_is_named(alice, mine, mug, now):
    services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=1, now=now)
    mug.product.status = "archived"
    mug.product.save()
    with pytest.raises(services.NotForSale, match="Mug"):
        services.start_quote(owner=mine, now=now)


def test_an_empty_cart_and_a_stranger_get_none(mine, alice, now):
    with pytest.raises(services.EmptyCart):
        services.start_quote(owner=mine, now=now)
    with pytest.raises(NotAllowed):
        services.start_quote(owner=CartOwner(), now=now)


def test_when_its_time_is_over_a_new_one_has_todays_price(alice, mine, mug, now):
    old = quote_for(alice, mug, now=now)
    _run_out(old)
    mug.price_minor = 2090
    mug.save()
    new = services.start_quote(owner=mine, now=now)
    assert new.pk != old.pk
    assert (new.total_minor, _reserved(mug)) == (2090, 1)


def test_giving_it_up_frees_the_stock_and_keeps_the_cart(alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    services.cancel_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)
    services.cancel_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)
    assert _reserved(mug) == 0
    assert alice.cart.lines.count() == 1


def test_somebody_elses_can_not_be_given_up(alice, bob, mug, now):
    quote = quote_for(alice, mug, now=now)
    with pytest.raises(NotFound):
        services.cancel_quote(quote_id=quote.pk, buyer_id=bob.pk, now=now)
    assert _reserved(mug) == 1


def test_the_sweeper_closes_only_what_is_over(alice, bob, mug, now):
    over, running = quote_for(alice, mug, now=now), quote_for(bob, mug, now=now)
    _run_out(over)
    assert services.close_due_quotes(now=now) == 1
    assert services.close_due_quotes(now=now) == 0
    over.refresh_from_db()
    running.refresh_from_db()
    assert (over.state, running.state) == ("closed", "open")
    assert _reserved(mug) == 1


def test_a_page_that_is_opened_twice_at_once_keeps_the_units_once(alice, mine, scarf, now):
    services.add_to_cart(owner=mine, sku_id=scarf.pk, quantity=2, now=now)
    barrier, quotes = threading.Barrier(4), []

    def open_page():
        barrier.wait()
        try:
            quotes.append(services.start_quote(owner=mine, now=now).pk)
        except Refused as refused:
            quotes.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=open_page) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Quote.objects.filter(state="open").count() == 1
    assert _reserved(scarf) == 2
    assert open_quote(buyer_id=alice.pk).pk in quotes
