"""Carts that many fill at once: each is what its owner would have got alone."""

import threading
import uuid
from contextlib import suppress
from functools import partial
from itertools import count

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import get_language, override

from shops.accounts.models import User
from shops.checkout import cart_statements, services
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.checkout.services import carts, filling
from shops.checkout.services.filling import ToPut, put_each
from shops.facts.batching import Unavailable
from shops.facts.models import Event
from shops.facts.postgresql.base import DatabaseWrapper
from shops.facts.refused import NotFound, Refused
from shops.stock.models import Hold, Stock
from shops.stock.services import OutOfStock, set_policy
from tests.between import come_between
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import quote_for
from tests.factories.pricing import deal

pytestmark = pytest.mark.django_db(transaction=True)
_numbers = count(1)


def _user():
    return CartOwner(user_id=User.objects.create(email=f"{next(_numbers)}@test.example").pk)


def _guest():
    return CartOwner(token=uuid.uuid4())


@pytest.fixture
def wish(now):
    """wish(owner, sku) is a wish for one of it."""

    def make(owner, sku, quantity=1, *, referral="", is_top_up=False, language="en"):
        return ToPut(owner, getattr(sku, "pk", sku), quantity, referral, is_top_up, now, language)

    return make


def _together(asks):
    answers = []
    put_each(asks, answers)
    return answers


def _lines():
    """What is in all carts: units by owner and SKU."""
    rows = CartLine.objects.values_list("cart__user", "cart__token", "sku", "quantity")
    return {(CartOwner(user, token), sku): quantity for user, token, sku, quantity in rows}


def _in_threads(*jobs):
    """Do jobs at the same time; returns what each gave, a refusal as it is."""
    barrier, gave = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(place, job):
        barrier.wait()
        try:
            gave[place] = job()
        except Refused as refused:
            gave[place] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return gave


def _everybody(wish, shop, now):
    """All that can come together, by what is special about it, in the order of their coming."""
    sku = partial(SkuFactory, product__shop=shop)
    mug, scarf, gone, last = sku(on_hand=50), sku(price_minor=2500), sku(on_hand=0), sku(on_hand=2)
    deal(scarf, 1500, now=now)
    off, dollars = sku(is_active=False), sku(currency="USD")
    limited = sku(on_hand=50)
    sibling = SkuFactory(product=limited.product, options=["other"], on_hand=50)
    set_policy(
        product_id=limited.product_id, mode="checkout_hold", hold_seconds=None, most_per_buyer=2
    )
    had, in_dollars, with_sibling, full = _user(), _guest(), _user(), _user()
    _together([wish(had, mug, 3, referral="first"), wish(in_dollars, dollars)])
    _together([wish(with_sibling, sibling, 2), wish(full, mug, 99 - 49)])
    mine = User.objects.get(pk=_user().user_id)
    quote_for(mine, last, quantity=2, now=now)
    return {
        "plain": wish(_user(), mug, 2),
        "a guest": wish(_guest(), mug, referral="x" * 300),
        "there is none": wish(_guest(), 10**15),
        "on top": wish(had, mug, 2),
        "no more than before": wish(had, mug, 4, is_top_up=True, referral="last"),
        "in a deal": wish(_user(), scarf),
        "sold out": wish(_guest(), gone),
        "not for sale": wish(_user(), off),
        "more than are left": wish(_user(), sku(on_hand=3), 4),
        "another currency": wish(in_dollars, mug),
        "limited": wish(_user(), limited, 2),
        "beyond the limit": wish(_user(), limited, 3),
        "beyond it with another variant": wish(with_sibling, limited),
        "more than a line has": wish(full, mug, 60),
        "kept for others": wish(_user(), last),
        "kept for me": wish(CartOwner(user_id=mine.pk), last, is_top_up=True),
        "kept for me, but no more": wish(CartOwner(user_id=mine.pk), last, 1),
    }


def _told(answer):
    if isinstance(answer, Refused):
        extra = {name: value for name, value in answer.extra.items() if not name.endswith("_id")}
        return answer.code, str(answer), extra
    line = answer.line
    return (
        line.quantity,
        answer.before,
        line.referral,
        line.seen_price_minor,
        line.cart.version,
        line.cart.counted,
    )


def test_everybody_is_told_what_they_would_be_told_alone(wish, shop, now):
    together = _everybody(wish, shop, now)
    alone = _everybody(wish, shop, now)
    answers = dict(zip(together, map(_told, _together(list(together.values()))), strict=True))
    assert answers == {name: _told(_together([ask])[0]) for name, ask in alone.items()}
    codes = {name: told[0] for name, told in answers.items()}
    assert codes == {
        "plain": 2,
        "a guest": 1,
        "there is none": NotFound.code,
        "on top": 5,
        "no more than before": 5,
        "in a deal": 1,
        "sold out": OutOfStock.code,
        "not for sale": "not_for_sale",
        "more than are left": OutOfStock.code,
        "another currency": "other_currency",
        "limited": 2,
        "beyond the limit": "limit_reached",
        "beyond it with another variant": "limit_reached",
        "more than a line has": "bad_quantity",
        "kept for others": OutOfStock.code,
        "kept for me": 2,
        "kept for me, but no more": OutOfStock.code,
    }


def test_who_is_refused_is_told_why_in_their_language(wish, scarf, monkeypatch):
    def told_in(one, many, number):
        return f"%(left)d left ({get_language()})"

    monkeypatch.setattr(filling, "ngettext", told_in)
    asks = [wish(_user(), scarf, 4, language=language) for language in ("it", "en", "fr")]
    with override("en"):
        answers = _together(asks)
        assert get_language() == "en"
    assert list(map(str, answers)) == ["3 left (it)", "3 left (en)", "3 left (fr)"]


def test_what_is_told_is_what_is_written_and_who_is_refused_leaves_nothing(wish, shop, now):
    asks = list(_everybody(wish, shop, now).values())
    before, owners = _lines(), set(Cart.objects.values_list("user", "token"))
    answers = _together(asks)
    granted = [one for one in zip(asks, answers, strict=True) if not isinstance(one[1], Refused)]
    # Whoever wished twice has what was told last.
    written = {(ask.owner, ask.sku_id): answer.line.quantity for ask, answer in granted}
    assert _lines() == {**before, **written}
    new = set(Cart.objects.values_list("user", "token")) - owners
    assert new <= {(ask.owner.user_id, ask.owner.token) for ask, _answer in granted}
    for ask, answer in granted:
        line = CartLine.objects.get(pk=answer.line.pk)
        assert (line.cart_id, line.sku_id) == (answer.line.cart.pk, ask.sku_id)


def test_of_one_owners_wishes_each_is_on_top_of_those_before(wish, mug, scarf):
    for owner in (_user(), _guest()):
        Event.objects.all().delete()
        first, second, third = _together(
            [wish(owner, mug, 1, referral="pin"), wish(owner, scarf, 2), wish(owner, mug, 3)]
        )
        told = [(one.line.quantity, one.before, one.line.cart.version) for one in (first, third)]
        assert told == [(1, 0, 1), (4, 1, 3)]
        assert (second.line.cart.counted, third.line.cart.counted) == (3, 6)
        assert first.line.pk == third.line.pk
        assert third.line.referral == "pin"
        facts = Event.objects.filter(kind="CartChanged").order_by("pk")
        assert [(fact.payload["version"], fact.payload["units"]) for fact in facts] == [
            (1, 1),
            (2, 3),
            (3, 6),
        ]
        assert Cart.objects.get(pk=first.line.cart.pk).version == 3


def test_more_owners_need_no_more_statements(wish, shop, mug):
    limited = SkuFactory(product__shop=shop, on_hand=50)
    set_policy(
        product_id=limited.product_id, mode="checkout_hold", hold_seconds=None, most_per_buyer=2
    )
    counted = []
    for many in (1, 5):
        owners = [make() for _number in range(many) for make in (_user, _guest)]
        asks = [wish(owner, sku) for owner in owners for sku in (mug, limited)]
        asks += [wish(owner, limited, 90) for owner in owners]
        with CaptureQueriesContext(connection) as asked:
            answers = _together(asks)
        assert [isinstance(one, Refused) for one in answers] == [False] * 4 * many + [
            True
        ] * 2 * many
        counted.append(len(asked))
    assert counted[0] == counted[1] < 15


def _meet_before_writing(monkeypatch):
    """Let two wait for each other before they write, as far as they can both come so far."""
    both, write = threading.Barrier(2), filling._write

    def wait_and_write(granted):
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)
        write(granted)

    monkeypatch.setattr(filling, "_write", wait_and_write)


@pytest.mark.parametrize("is_guarded", [True, False])
def test_two_groups_that_fill_the_same_carts_lose_no_unit(wish, mug, monkeypatch, is_guarded):
    owners = [_user(), _guest()]
    _together([wish(owner, mug) for owner in owners])
    if not is_guarded:
        bare = cart_statements._LOCK.replace("FOR UPDATE", "")
        monkeypatch.setattr(cart_statements, "_LOCK", bare)
    _meet_before_writing(monkeypatch)
    asks = [wish(owner, mug) for owner in owners]
    # Without the guard, what is written in opposite orders may also end in a deadlock.
    others = asks[::-1] if is_guarded else asks
    _in_threads(partial(_together, asks), partial(_together, others))
    assert set(_lines().values()) == ({3} if is_guarded else {2})


def test_who_makes_the_same_carts_at_once_fills_the_same(wish, mug, scarf, monkeypatch):
    _meet_before_writing(monkeypatch)
    owners = [_user(), _guest()]
    one, other = _in_threads(
        partial(_together, [wish(owner, mug) for owner in owners]),
        partial(_together, [wish(owner, scarf) for owner in owners[::-1]]),
    )
    assert set(_lines().values()) == {1}
    assert len(_lines()) == 4
    assert sorted(put.line.cart.version for put in one + other) == [1, 1, 2, 2]
    assert sorted(put.line.cart.counted for put in one + other) == [1, 1, 2, 2]


@pytest.mark.parametrize("is_guarded", [True, False])
def test_carts_are_taken_in_the_order_of_their_ids(wish, mug, monkeypatch, is_guarded):
    owners = [_user(), _guest()]
    low, high = (put.line.cart for put in _together([wish(owner, mug) for owner in owners]))
    asks = [wish(owner, mug) for owner in owners[::-1]]
    fill = partial(come_between, partial(_together, asks), first=low, then=high)
    if is_guarded:
        fill()
        assert set(_lines().values()) == {2}
    else:
        backwards = cart_statements._LOCK.replace("ORDER BY id", "ORDER BY id DESC")
        monkeypatch.setattr(cart_statements, "_LOCK", backwards)
        with pytest.raises(OperationalError, match="deadlock"):
            fill()


def test_nobody_is_asked_again_when_it_may_be_committed(wish, mug, monkeypatch):
    asks = [wish(_user(), mug), wish(_guest(), mug)]
    told, commit = [], DatabaseWrapper._commit

    def commit_and_die(self):
        commit(self)
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(DatabaseWrapper, "_commit", commit_and_die)
        carts._take(asks, told.append)
    [answers] = told
    assert [answer.code for answer in answers] == [Unavailable.code] * 2
    assert set(_lines().values()) == {1}


def test_all_are_asked_again_when_nothing_is_committed(wish, mug, monkeypatch):
    asks, told, lost, write = [wish(_user(), mug), wish(_guest(), mug)], [], [1], filling._write

    def write_and_die(granted):
        write(granted)
        if lost:
            lost.pop()
            raise OperationalError("the connection is lost")

    monkeypatch.setattr(filling, "_write", write_and_die)
    with pytest.raises(OperationalError):
        carts._take(asks, told.append)
    assert not told
    assert not CartLine.objects.exists()
    assert carts.batcher.submit(asks[0]).result(5).line.quantity == 1


def _add(owner, sku, now, quantity=1):
    return partial(services.add_to_cart, owner=owner, sku_id=sku.pk, quantity=quantity, now=now)


def test_many_at_once_each_get_theirs(mug, scarf, now):
    owners = [make() for _number in range(4) for make in (_user, _guest)]
    busy = owners[0]
    jobs = [_add(owner, mug, now) for owner in owners] + [_add(busy, scarf, now)] * 3
    lines = _in_threads(*jobs, _add(owners[1], scarf, now, 4))
    assert [line.cart.user_id or line.cart.token for line in lines[: len(owners)]] == [
        owner.user_id or owner.token for owner in owners
    ]
    assert lines[-1].code == OutOfStock.code
    assert _lines() == {(owner, mug.pk): 1 for owner in owners} | {(busy, scarf.pk): 3}
    assert Cart.objects.get(user=busy.user_id).version == 4


def test_of_what_is_kept_in_the_cart_there_is_no_more_than_there_is(shop, now):
    kept = SkuFactory(product=ProductFactory(shop=shop), on_hand=3)
    set_policy(product_id=kept.product_id, mode="cart_hold", hold_seconds=None, most_per_buyer=None)
    answers = _in_threads(*[_add(_user(), kept, now) for _number in range(6)])
    refused = [one for one in answers if isinstance(one, Refused)]
    assert [one.code for one in refused] == [OutOfStock.code] * 3
    assert list(_lines().values()) == [1, 1, 1]
    assert Stock.objects.get(pk=kept.pk).reserved == 3
    held = set(Hold.objects.filter(state="held").values_list("pk", flat=True))
    assert set(CartLine.objects.values_list("hold_id", flat=True)) == held
