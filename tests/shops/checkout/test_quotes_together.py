"""Quotes of many buyers at once: each is what its buyer would have got alone."""

import threading
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import get_language, override

from shops.accounts.models import Address, User
from shops.checkout import quote_statements, services
from shops.checkout.models import CartLine, Quote, QuoteShipment, QuoteVoucher
from shops.checkout.owner import CartOwner
from shops.checkout.services.starting import Asked, start_quotes
from shops.facts.refused import Refused
from shops.pricing import ways
from shops.pricing.models import ShippingMethod
from shops.stock.models import Hold, Stock
from shops.stock.services import join, release, set_policy
from tests.factories.catalog import ShopFactory, SkuFactory
from tests.factories.checkout import ADDRESS
from tests.factories.pricing import deal, sends, tax, voucher

pytestmark = pytest.mark.django_db(transaction=True)
_numbers = count(1)


class Village:
    """Buyers with one wish each, by what is special about it, and a shop of their own."""

    def __init__(self, now):
        self.now = now
        self.shop, self.other = ShopFactory(), ShopFactory()
        self.wishes = {}
        sends(self.shop, IT=490, anywhere=990)
        voucher(self.shop, "SPRING", bps=1000, most_per_buyer=1, now=now)
        self.mug, self.scarf = self._sku(on_hand=50), self._sku(price_minor=2500, on_hand=50)
        self.lamp = self._sku(shop=self.other, price_minor=10_000, on_hand=50)
        deal(self.scarf, 1500, now=now)

    def _sku(self, *, shop=None, mode="", most_per_buyer=None, **fields):
        sku = SkuFactory(product__shop=shop or self.shop, **fields)
        if mode or most_per_buyer:
            set_policy(
                product_id=sku.product_id,
                mode=mode or "checkout_hold",
                hold_seconds=None,
                most_per_buyer=most_per_buyer,
            )
        return sku

    def buyer(self, name, *skus, quantity=1, country="IT"):
        """Somebody who wants a quote for what is in their cart."""
        user = User.objects.create(email=f"{next(_numbers)}@test.example")
        if country:
            Address.objects.create(user=user, **{**ADDRESS, "country": country})
        for sku in skus:
            self.put(user, sku, quantity)
        self.wishes[name] = user
        return user

    def put(self, user, sku, quantity=1):
        services.add_to_cart(
            owner=CartOwner(user_id=user.pk), sku_id=sku.pk, quantity=quantity, now=self.now
        )

    def quote(self, user):
        return services.start_quote(owner=CartOwner(user_id=user.pk), now=self.now)

    def everybody(self):
        """All that can come together, in an order in which they come."""
        now = self.now
        self.buyer("plain", self.mug)
        self.buyer("without an address", self.lamp, country="")
        self.buyer("abroad", self.mug, self.lamp, quantity=2, country="FR")
        self.buyer("two", self.mug, self.scarf)
        self.buyer("the same two", self.scarf, self.mug)
        last = self._sku(on_hand=2)
        self.buyer("the last ones", last, quantity=2)
        self.buyer("too late", last, self.mug)
        self.buyer("limited", self._sku(most_per_buyer=2), quantity=2)
        limited = self._sku(most_per_buyer=2)
        beyond = self.buyer("beyond the limit", limited, quantity=2)
        CartLine.objects.filter(cart__user=beyond).update(quantity=3)
        self.buyer("kept in the cart", self._sku(mode="cart_hold", on_hand=2), quantity=2)
        lost = self._sku(mode="cart_hold", on_hand=1)
        self.buyer("kept no more", lost)
        release(hold_ids=Hold.objects.filter(sku=lost).values_list("pk", flat=True), now=now)
        resized = self._sku(mode="cart_hold", on_hand=3)
        other_size = self.buyer("kept in another size", resized)
        CartLine.objects.filter(cart__user=other_size).update(quantity=2)
        self.buyer("first paid", self._sku(mode="first_paid", on_hand=1))
        none_left = self._sku(mode="first_paid", on_hand=1)
        self.buyer("first paid and sold out", none_left)
        Stock.objects.filter(pk=none_left.pk).update(on_hand=0)
        self.quote(self.buyer("unchanged", self.mug))
        changed = self.buyer("changed, with a voucher", self.mug, self.lamp)
        before = self.quote(changed)
        services.reprice_quote(
            quote_id=before.pk, buyer_id=changed.pk, country="FR", add_code="spring", now=now
        )
        self.put(changed, self.mug)
        over = self.buyer("over", self.mug, quantity=2)
        past = now - timedelta(hours=1)
        Hold.objects.filter(pk__in=self.quote(over).lines.values("hold_id")).update(
            expires_at=past, created_at=past
        )
        wanted = self._sku(on_hand=1)
        first = self.buyer("gave it up", wanted)
        waiting = self.quote(first)
        offered = self.buyer("offered by the waitlist")
        join(user=offered, sku_id=wanted.pk, quantity=1, now=now)
        services.cancel_quote(quote_id=waiting.pk, buyer_id=first.pk, now=now)
        self.put(offered, wanted)
        self.buyer("empty")
        User.objects.filter(pk=self.buyer("nothing", self.mug).pk).get().cart.delete()
        gone = self._sku()
        self.buyer("no longer sold", self.mug, gone)
        gone.is_active = False
        gone.save()
        self.buyer("free", self._sku(price_minor=0))
        return self

    @property
    def asks(self):
        return [Asked(user.pk, "", self.now, "en") for user in self.wishes.values()]

    def told(self, answers):
        """What everybody was told, in words that are the same in another village."""
        names = {sku.pk: name for name, sku in vars(self).items() if hasattr(sku, "price_minor")}
        return {
            name: _told(answer, names) for name, answer in zip(self.wishes, answers, strict=True)
        }


def _told(answer, names):
    if isinstance(answer, Refused):
        lefts = [one["left"] for one in answer.extra.get("short", ())]
        return answer.code, lefts, answer.extra.get("most")
    return (
        answer.country,
        answer.total_minor,
        answer.tax_minor,
        [
            (
                names.get(line.sku_id),
                line.quantity,
                line.total_minor,
                line.discount_minor,
                line.is_held,
                line.is_shared,
                line.most_per_buyer,
            )
            for line in answer.lines.order_by("pk")
        ],
        list(answer.shipments.order_by("pk").values_list("name", "amount_minor", "is_available")),
        [(one.code, one.discount_minor) for one in answer.vouchers.all()],
    )


def _reserved(village=None):
    rows = Stock.objects.all()
    if village is not None:
        rows = rows.filter(sku__product__shop__in=[village.shop, village.other])
    return sum(rows.values_list("reserved", flat=True))


def _books_are_right():
    held = Hold.objects.filter(state="held")
    for stock in Stock.objects.all():
        assert stock.reserved == sum(held.filter(sku=stock.pk).values_list("quantity", flat=True))


@pytest.fixture
def village(now):
    return Village(now)


def test_each_gets_what_they_would_have_got_alone(now):
    tax("IT", 2200)
    tax("FR", 2000, is_inclusive=False)
    alone, together = Village(now).everybody(), Village(now).everybody()

    one_by_one = [answer for asked in alone.asks for answer in start_quotes([asked])]
    at_once = start_quotes(together.asks)

    told = together.told(at_once)
    assert told == alone.told(one_by_one)
    assert {name: one[0] for name, one in told.items() if len(one) == 3} == {
        "too late": "out_of_stock",
        "beyond the limit": "limit_reached",
        "first paid and sold out": "out_of_stock",
        "gave it up": "out_of_stock",
        "empty": "cart_empty",
        "nothing": "cart_empty",
        "no longer sold": "not_for_sale",
        "free": "not_for_sale",
    }
    assert told["changed, with a voucher"][-1] == [("SPRING", 2 * 199)]
    assert _reserved(together) == _reserved(alone) > 0
    _books_are_right()


def test_what_is_written_is_what_was_answered(village):
    village.buyer("plain", village.mug)
    changed = village.buyer("changed, with a voucher", village.scarf, village.lamp)
    before = village.quote(changed)
    services.reprice_quote(
        quote_id=before.pk, buyer_id=changed.pk, add_code="SPRING", now=village.now
    )
    village.put(changed, village.mug)
    for answer in start_quotes(village.asks):
        kept = Quote.objects.get(pk=answer.pk)
        assert _columns(kept) == _columns(answer)
        # Refused when its signature is not of all that is written.
        services.reprice_quote(quote_id=kept.pk, buyer_id=kept.buyer_id, now=village.now)


def _columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.fields}


def test_two_tabs_of_one_buyer_get_one_quote(village):
    alice, bob = village.buyer("alice", village.mug), village.buyer("bob", village.mug)
    asks = [Asked(user.pk, "", village.now, "en") for user in (alice, bob, alice)]
    first, other, second = start_quotes(asks)
    assert (first.pk, first.buyer_id, other.buyer_id) == (second.pk, alice.pk, bob.pk)
    assert _reserved() == 2


def test_who_asks_is_answered_in_their_language(village, monkeypatch):
    monkeypatch.setattr(ways, "_", lambda text: f"{text} {get_language()}")
    sku = village._sku(shop=ShopFactory(), on_hand=9)
    asks = [
        Asked(village.buyer(language, sku).pk, "", village.now, language)
        for language in ("it", "en", "fr")
    ]
    with override("en"):
        quotes = start_quotes(asks)
    assert [quote.shipments.get().name for quote in quotes] == [
        "Standard it",
        "Standard en",
        "Standard fr",
    ]


def _before_writing(monkeypatch, do):
    """Let something happen between the holds and the first quotes that are written."""
    write, turns = quote_statements.write, []

    def written(drafts):
        turns.append(len(drafts))
        if len(turns) == 1:
            do()
        return write(drafts)

    monkeypatch.setattr(quote_statements, "write", written)
    return turns


def test_what_another_process_was_first_with_takes_nothing_from_the_others(village, monkeypatch):
    same, other, plain = (village.buyer(name, village.mug) for name in ("same", "other", "plain"))

    def be_first():
        for user, versions in ((same, 0), (other, 1)):
            Quote.objects.create(
                buyer=user,
                cart_version=user.cart.version - versions,
                currency="EUR",
                total_minor=1,
                created_at=village.now,
                expires_at=village.now + timedelta(minutes=5),
            )

    _before_writing(monkeypatch, be_first)
    first, refused, quote = start_quotes(village.asks)
    assert (first.buyer_id, first.total_minor) == (same.pk, 1)
    assert refused.code == services.CartMoved.code
    assert (quote.buyer_id, quote.total_minor) == (plain.pk, 1990 + 490)
    assert _reserved() == 1
    _books_are_right()


def test_one_that_can_not_be_written_is_refused_alone(village, monkeypatch):
    sends(village.other, IT=100)
    village.buyer("plain", village.mug)
    village.buyer("sent in a way that is gone", village.lamp)
    village.buyer("plain, too", village.scarf)
    turns = _before_writing(
        monkeypatch, lambda: ShippingMethod.objects.filter(shop=village.other).delete()
    )
    first, refused, third = start_quotes(village.asks)
    assert turns == [3, 1, 1, 1]
    assert (first.total_minor, third.total_minor) == (1990 + 490, 1500 + 490)
    assert refused.code == services.CartMoved.code
    assert _reserved() == 2
    _books_are_right()


@pytest.mark.parametrize("many", [1, 3])
def test_nothing_stays_kept_when_it_fails(village, monkeypatch, many):
    def fail():
        raise ValueError("the disk is full")

    for number in range(many):
        village.buyer(str(number), village.mug, village.lamp)
    _before_writing(monkeypatch, fail)
    with pytest.raises(ValueError, match="disk"):
        start_quotes(village.asks)
    assert _reserved() == 0
    assert Hold.objects.filter(state="released").count() == 2 * many
    assert not Quote.objects.exists()


def test_more_buyers_need_no_more_queries(village):
    kept = village._sku(mode="cart_hold", on_hand=50)
    limited = village._sku(most_per_buyer=2, on_hand=50)

    def asks(many):
        village.wishes.clear()
        for number in range(many):
            user = village.buyer(str(number), village.mug, kept, limited)
            quote = village.quote(user)
            services.reprice_quote(
                quote_id=quote.pk, buyer_id=user.pk, add_code="SPRING", now=village.now
            )
            village.put(user, village.lamp)
        return village.asks

    counted = []
    for many in (2, 5):
        wishes = asks(many)
        with CaptureQueriesContext(connection) as asked:
            answers = start_quotes(wishes)
        assert [answer.vouchers.get().code for answer in answers] == ["SPRING"] * many
        counted.append(len(asked))
    assert counted[0] == counted[1] < 50


def test_many_at_once_each_get_theirs(village):
    users = [village.buyer(str(number), village.mug, village.lamp) for number in range(6)]
    barrier, quotes = threading.Barrier(len(users)), {}

    def check_out(user):
        barrier.wait()
        try:
            quotes[user.pk] = village.quote(user)
        finally:
            connection.close()

    threads = [threading.Thread(target=check_out, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {pk: quote.buyer_id for pk, quote in quotes.items()} == {
        user.pk: user.pk for user in users
    }
    assert _reserved() == 2 * len(users)
    assert QuoteShipment.objects.count() == 2 * len(users)
    assert not QuoteVoucher.objects.exists()
