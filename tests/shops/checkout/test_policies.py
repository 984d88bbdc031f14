"""Units are kept from the cart on, from checkout on or not at all, and nobody gets too many."""

import uuid
from datetime import timedelta

import pytest

from shops.checkout import services
from shops.checkout.models import CartLine, Quote
from shops.checkout.owner import CartOwner
from shops.checkout.queries import shown_cart
from shops.checkout.services.carts import take_out_referred
from shops.orders.models import Order
from shops.stock.models import EntryState, Hold, Stock, WaitlistEntry
from shops.stock.services import OutOfStock, join, release, resize, set_policy
from tests.between import come_between
from tests.factories.checkout import ADDRESS, quote_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(shop, scarf, carol):
    """The scarf (three of them) is kept from the cart on."""
    _policy(scarf, "cart_hold")
    return scarf


def _policy(sku, mode, **more):
    set_policy(
        product_id=sku.product_id,
        mode=mode,
        **({"hold_seconds": None, "most_per_buyer": None} | more),
    )


def _reserved(sku):
    return Stock.objects.get(pk=sku.pk).reserved


def _set(owner, sku, quantity, now):
    version = CartLine.objects.get(sku=sku).cart.version
    services.set_quantity(owner=owner, sku_id=sku.pk, quantity=quantity, version=version, now=now)


def _place(quote, user, now):
    return services.place_order(
        quote_id=quote.pk, buyer=user, address=ADDRESS, card_token="tok_success", now=now
    ).purchase


def test_a_cart_keeps_as_many_as_are_in_it(mine, kept, now):
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=1, now=now)
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, now=now)
    assert (_reserved(kept), Hold.objects.count()) == (3, 1)
    _set(mine, kept, 2, now)
    assert _reserved(kept) == 2
    cart = shown_cart(owner=mine, now=now)
    assert cart.kept_until > now
    _set(mine, kept, 0, now)
    assert _reserved(kept) == 0


def _noting_meanwhile(work, line):
    """Have another tab note what keeps a line while `work` is under way with it."""
    hold_id, line.hold_id = line.hold_id, None
    line.save()
    come_between(
        work,
        first=line,
        then=lambda: CartLine.objects.filter(pk=line.pk).update(hold_id=hold_id),
    )
    return hold_id


def test_what_keeps_a_line_goes_with_it_whenever_it_was_noted(mine, kept, now):
    line = services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, now=now)
    line.refresh_from_db()

    _noting_meanwhile(lambda: _set(mine, kept, 0, now), line)

    assert _reserved(kept) == 0


def test_what_keeps_a_line_that_was_never_referred_goes_with_it(mine, kept, now):
    line = services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, referral="live:1", now=now)
    line.refresh_from_db()

    _noting_meanwhile(lambda: take_out_referred(referral_prefix="live:1", now=now), line)

    assert not CartLine.objects.exists()
    assert _reserved(kept) == 0


@pytest.mark.parametrize("whose", ["the browser's", "the user's"])
def test_what_keeps_a_line_comes_along_whenever_it_was_noted(alice, mine, kept, whose, now):
    token = uuid.uuid4()
    services.add_to_cart(owner=CartOwner(token=token), sku_id=kept.pk, quantity=1, now=now)
    line = CartLine.objects.get()
    if whose == "the user's":
        services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=1, now=now)
        line = CartLine.objects.get(cart__user=alice)

    hold_id = _noting_meanwhile(
        lambda: services.merge_carts(token=token, user_id=alice.pk, now=now), line
    )

    merged = CartLine.objects.get()
    assert (merged.cart.user_id, merged.hold_id) == (alice.pk, hold_id)
    assert _reserved(kept) == merged.quantity


def test_what_somebody_has_in_their_cart_nobody_else_gets(mine, bob, kept, now):
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, now=now)
    with pytest.raises(OutOfStock):
        services.add_to_cart(owner=CartOwner(user_id=bob.pk), sku_id=kept.pk, quantity=2, now=now)
    assert not CartLine.objects.filter(cart__user=bob).exists()
    assert _reserved(kept) == 2


def test_a_quote_that_another_tab_made_the_cart_outgrow_is_no_order(alice, mine, kept, now):
    quote = quote_for(alice, kept, quantity=1, now=now)
    # As when the cart was changed between the quote's holds and its being written.
    resize(hold_id=quote.lines.get().hold_id, quantity=3, now=now)
    with pytest.raises(services.QuoteOver):
        _place(quote, alice, now)
    assert Hold.objects.get().state == "held"
    assert not Order.objects.exists()


def test_the_order_takes_what_the_cart_kept_and_leaves_the_rest_alone(alice, mine, kept, mug, now):
    quote = quote_for(alice, kept, mug, quantity=2, now=now)
    line = quote.lines.get(sku=kept)
    assert line.is_shared
    assert line.hold_id == CartLine.objects.get(sku=kept).hold_id
    services.cancel_quote(quote_id=quote.pk, buyer_id=alice.pk, now=now)
    assert (_reserved(kept), _reserved(mug)) == (2, 0)
    again = services.start_quote(owner=mine, now=now)
    _place(again, alice, now)
    assert Hold.objects.get(pk=line.hold_id).state == "committed"
    assert _reserved(kept) == 2
    assert not CartLine.objects.exists()


def test_an_open_quote_can_not_be_ordered_in_the_old_size(alice, mine, kept, now):
    quote = quote_for(alice, kept, quantity=1, now=now)
    _set(mine, kept, 3, now)
    assert Quote.objects.get(pk=quote.pk).state == Quote.State.CLOSED
    with pytest.raises(services.QuoteOver):
        _place(quote, alice, now)
    assert services.start_quote(owner=mine, now=now).lines.get().quantity == 3
    assert _reserved(kept) == 3


def test_what_ran_out_is_told_and_can_be_kept_again(mine, kept, now):
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, now=now)
    release(hold_ids=[Hold.objects.get().pk], now=now)
    assert shown_cart(owner=mine, now=now).has_lost_units
    services.keep_cart(owner=mine, now=now)
    assert _reserved(kept) == 2
    assert not shown_cart(owner=mine, now=now).has_lost_units


def test_keeping_longer_ends_at_the_cap(mine, kept, now):
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=2, now=now)
    soon = now + timedelta(minutes=1)
    Hold.objects.update(expires_at=soon)
    services.keep_cart(owner=mine, now=now)
    assert Hold.objects.get().expires_at > soon


def test_at_sign_in_what_the_browser_kept_goes_along(alice, mine, kept, now):
    browser = CartOwner(token="8f14e45f-ceea-467f-a2b7-c1b0b8d9a3e1")
    services.add_to_cart(owner=browser, sku_id=kept.pk, quantity=1, now=now)
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=1, now=now)
    assert _reserved(kept) == 2
    services.merge_carts(token=browser.token, user_id=alice.pk, now=now)
    assert CartLine.objects.get().quantity == 2
    assert (_reserved(kept), Hold.objects.filter(state="held").count()) == (2, 1)


def test_first_paid_keeps_nothing_until_it_is_paid(alice, mug, now):
    _policy(mug, "first_paid")
    quote = quote_for(alice, mug, quantity=2, now=now)
    assert (_reserved(mug), quote.lines.get().is_held) == (0, False)
    assert services.start_quote(owner=CartOwner(user_id=alice.pk), now=now).pk == quote.pk
    purchase = _place(quote, alice, now)
    assert purchase.orders.get().lines.get().is_first_paid
    assert _reserved(mug) == 0


def test_first_paid_says_early_when_there_is_none(alice, mug, now):
    _policy(mug, "first_paid")
    services.add_to_cart(owner=CartOwner(user_id=alice.pk), sku_id=mug.pk, quantity=2, now=now)
    Stock.objects.filter(pk=mug.pk).update(on_hand=1)
    with pytest.raises(services.ShortOfStock):
        services.start_quote(owner=CartOwner(user_id=alice.pk), now=now)


def test_an_offer_of_the_waitlist_is_what_checkout_takes(alice, bob, mine, scarf, now):
    first = quote_for(bob, scarf, quantity=3, now=now)
    entry = join(user=alice, sku_id=scarf.pk, quantity=2, now=now)
    services.cancel_quote(quote_id=first.pk, buyer_id=bob.pk, now=now)
    entry.refresh_from_db()
    assert entry.state == EntryState.OFFERED
    services.add_to_cart(owner=mine, sku_id=scarf.pk, quantity=2, now=now)
    quote = services.start_quote(owner=mine, now=now)
    assert quote.lines.get().hold_id == entry.hold_id
    _place(quote, alice, now)
    assert WaitlistEntry.objects.get().state == EntryState.TAKEN
    assert _reserved(scarf) == 2


def test_limits_count_what_was_ordered_and_every_variant(alice, mine, mug, now):
    _policy(mug, "checkout_hold", most_per_buyer=2)
    quote = quote_for(alice, mug, quantity=2, now=now)
    with pytest.raises(services.LimitReached, match="at most 2"):
        services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=1, now=now)
    purchase = _place(quote, alice, now)
    with pytest.raises(services.LimitReached, match="ordered 2 already"):
        services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=1, now=now)
    purchase.payments.update(state="failed")
    services.cancel_order(number=purchase.orders.get().number, buyer_id=alice.pk, now=now)
    services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=1, now=now)


def test_a_limit_is_looked_at_again_when_it_is_ordered(alice, mine, mug, now):
    _policy(mug, "checkout_hold", most_per_buyer=2)
    services.add_to_cart(owner=mine, sku_id=mug.pk, quantity=2, now=now)
    first = services.start_quote(owner=mine, now=now)
    _place(first, alice, now)
    Quote.objects.filter(pk=first.pk).update(state=Quote.State.CLOSED)
    CartLine.objects.create(
        cart=alice.cart, sku=mug, quantity=1, seen_price_minor=1990, added_at=now
    )
    with pytest.raises(services.LimitReached):
        services.start_quote(owner=mine, now=now)


def test_resizing_moves_the_difference_and_no_more(mine, kept, now):
    services.add_to_cart(owner=mine, sku_id=kept.pk, quantity=1, now=now)
    hold = Hold.objects.get()
    with pytest.raises(OutOfStock) as refused:
        resize(hold_id=hold.pk, quantity=4, now=now)
    assert refused.value.extra["left"] == 3
    resize(hold_id=hold.pk, quantity=3, now=now)
    resize(hold_id=hold.pk, quantity=3, now=now)
    resize(hold_id=hold.pk, quantity=2, now=now)
    moves = list(
        kept.movements.filter(hold_id=hold.pk).order_by("pk").values_list("held", flat=True)
    )
    assert moves == [1, 2, -1]
    assert _reserved(kept) == 2
