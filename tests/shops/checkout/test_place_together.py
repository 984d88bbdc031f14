"""Orders of many buyers in one transaction: each as if it were alone, and nobody for another."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from shops.accounts.models import User
from shops.checkout import services
from shops.checkout.models import CartLine, Quote, QuoteLine
from shops.checkout.services import placing
from shops.facts import batching
from shops.facts.batching import Heat
from shops.facts.idempotency import Answer, Claim, KeyReused, Taken
from shops.facts.models import Event, IdempotencyKey
from shops.facts.refused import Refused
from shops.orders.models import Order, OrderEvent, OrderLine, Purchase
from shops.payments.models import Payment
from shops.pricing.models import VoucherUse
from shops.stock.models import Hold, Stock
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.checkout import ADDRESS, quote_for
from tests.factories.pricing import voucher

pytestmark = pytest.mark.django_db(transaction=True)


def describe(placed):
    return Answer(201, {"numbers": [order.number for order in placed.orders]})


def wish(quote, buyer, now, **more):
    return placing._ToPlace(
        **{
            "quote_id": quote.pk,
            "buyer": buyer,
            "address": ADDRESS,
            "card_token": "tok_success",
            "now": now,
            **more,
        }
    )


def together(asks):
    """Place orders as the batcher's thread does."""
    answers = []
    placing._batch(asks, answers.extend)
    return answers


def codes(answers):
    return [one.code if isinstance(one, Refused) else "placed" for one in answers]


def buyers(count):
    return [UserFactory() for _ in range(count)]


def claimed(key, body=None):
    claim = Claim.of(scope="place", key=key, body=body or {"a": 1})
    return {"claim": claim, "describe": describe}


def test_whoever_is_refused_has_no_part_in_it_and_the_others_get_what_they_would_alone(now):
    mug, lamp = SkuFactory(on_hand=50), SkuFactory(product__shop=ShopFactory(), on_hand=50)
    people = buyers(8)
    quotes = [quote_for(one, mug, lamp, referral="signed", now=now) for one in people]
    late = Hold.objects.filter(pk=quotes[1].lines.order_by("pk")[1].hold_id)
    late.update(expires_at=now - timedelta(seconds=1))
    services.cancel_quote(quote_id=quotes[2].pk, buyer_id=people[2].pk, now=now)
    QuoteLine.objects.filter(quote=quotes[4]).update(unit_price_minor=1)
    asks = [wish(quote, one, now) for quote, one in zip(quotes, people, strict=True)]
    asks[3] = wish(quotes[3], people[0], now)  # somebody else's
    asks[5] = wish(quotes[5], people[5], now, card_token="")
    asks[6] = wish(quotes[6], people[6], now, address=ADDRESS | {"country": "DE"})
    asks.append(asks[0])  # the same once more
    asks.append(wish(Quote(pk=uuid.uuid4()), people[0], now))

    answers = together(asks)

    assert codes(answers) == [
        "placed", "quote_over", "quote_over", "not_found", "quote_tampered", "bad_card",
        "other_country", "placed", "same_quote", "not_found",
    ]  # fmt: skip
    for place in (0, 7):
        placed = answers[place]
        assert placed.purchase == Purchase.objects.get(quote_id=quotes[place].pk)
        assert placed.purchase.total_minor == quotes[place].total_minor
        assert list(placed.orders) == list(Order.objects.filter(buyer=people[place]))
        assert [one.shop_id for one in placed.orders] == sorted(
            one.shop_id for one in placed.orders
        )
        assert placed.payment == Payment.objects.get(purchase=placed.purchase)
        assert placed.payment.amount_minor == placed.purchase.total_minor
        lines = OrderLine.objects.filter(order__buyer=people[place]).order_by("pk")
        assert [line.hold_id for line in lines] == [
            line.hold_id for line in quotes[place].lines.order_by("pk")
        ]
        assert not CartLine.objects.filter(cart__user=people[place]).exists()
    assert Purchase.objects.count() == 2
    assert OrderEvent.objects.count() == Order.objects.count() == 4
    facts = Event.objects.filter(kind="OrderPlaced").order_by("pk")
    assert [fact.payload["order_id"] for fact in facts] == [
        order.pk for place in (0, 7) for order in answers[place].orders
    ]
    # Nothing of the others was touched.
    assert set(Hold.objects.values_list("state", flat=True)) == {"held", "committed", "released"}
    assert Hold.objects.filter(state="committed").count() == 4
    assert CartLine.objects.count() == 12
    assert Quote.objects.filter(state="ordered").count() == 2


def test_a_lone_order_and_one_of_many_are_written_alike(now):
    mug = SkuFactory(on_hand=9)
    first, second = buyers(2)
    [together_one] = together([wish(quote_for(first, mug, now=now), first, now)])
    quote = quote_for(second, mug, now=now)
    alone = services.place_order(
        quote_id=quote.pk, buyer=second, address=ADDRESS, card_token="tok_success", now=now
    )

    def written(placed):
        own = {"id", "purchase_id", "number", "buyer_id", "order_id", "hold_id", "quote_id"}
        purchase = Purchase.objects.filter(pk=placed.purchase.pk)
        rows = [
            *purchase.values(),
            *Order.objects.filter(purchase__in=purchase).values(),
            *OrderLine.objects.filter(order__purchase__in=purchase).values(),
            *Payment.objects.filter(purchase__in=purchase).values(),
        ]
        return [{name: row[name] for name in row.keys() - own} for row in rows]

    assert written(together_one) == written(alone)


def test_an_order_and_the_answer_under_its_key_are_one(now):
    mug = SkuFactory(on_hand=9)
    people = buyers(4)
    quotes = [quote_for(one, mug, now=now) for one in people]
    known = wish(quotes[0], people[0], now, **claimed("key-known"))
    [first] = together([known])

    answers = together(
        [
            known,
            wish(quotes[1], people[1], now, **claimed("key-mine")),
            wish(quotes[2], people[2], now, **claimed("key-mine")),
            wish(quotes[3], people[0], now, **claimed("key-refused")),
        ]
    )

    assert codes(answers) == ["request_known", "placed", "request_known", "not_found"]
    rows = dict(IdempotencyKey.objects.values_list("key", "answer"))
    assert rows == {
        "key-known": {"numbers": [first.orders[0].number]},
        "key-mine": {"numbers": [answers[1].orders[0].number]},
    }
    assert Purchase.objects.count() == 2


def test_a_key_answers_the_same_again_and_is_no_others(now):
    mug = SkuFactory(on_hand=9)
    [buyer] = buyers(1)
    quote = quote_for(buyer, mug, now=now)

    def place(body):
        return services.place_order_once(
            scope="place", key="key-of-mine", body=body, describe=describe,
            quote_id=quote.pk, buyer=buyer, address=ADDRESS, card_token="tok_success", now=now,
        )  # fmt: skip

    (first, placed), (again, nothing) = place({"a": 1}), place({"a": 1})
    assert (first, first.is_replay, again.is_replay) == (again, False, True)
    # Only who was the first has it paid.
    assert (placed.payment.state, nothing) == ("created", None)
    with pytest.raises(KeyReused):
        place({"a": 2})


def test_a_voucher_that_is_used_up_in_a_batch_is_refused_to_the_last_who_wants_it(now):
    mug = SkuFactory(on_hand=9)
    code = voucher(mug.product.shop, bps=1000, most_uses=2, now=now)
    people = buyers(3)
    quotes = [quote_for(one, mug, now=now) for one in people]
    for quote, one in zip(quotes, people, strict=True):
        services.reprice_quote(quote_id=quote.pk, buyer_id=one.pk, add_code=code.code, now=now)
    answers = together([wish(quote, one, now) for quote, one in zip(quotes, people, strict=True)])
    assert codes(answers) == ["placed", "placed", "voucher_used_up"]
    code.refresh_from_db()
    assert (code.used, VoucherUse.objects.count()) == (2, 2)
    assert Stock.objects.get(sku=mug).reserved == 3


def test_a_limit_holds_for_each_buyer_of_a_batch(now, monkeypatch):
    mug = SkuFactory(on_hand=9)
    people = buyers(3)
    quotes = [quote_for(one, mug, quantity=2, now=now) for one in people]
    monkeypatch.setattr(placing, "check_signature", lambda *parts: None)
    QuoteLine.objects.filter(quote=quotes[1]).update(most_per_buyer=1)
    QuoteLine.objects.filter(quote=quotes[2]).update(most_per_buyer=2)
    answers = together([wish(quote, one, now) for quote, one in zip(quotes, people, strict=True)])
    assert codes(answers) == ["placed", "limit_reached", "placed"]


def statements_of(count, now):
    mug = SkuFactory(product=ProductFactory(), on_hand=count)
    people = buyers(count)
    asks = [
        wish(quote_for(one, mug, now=now), one, now, **claimed(f"key-of-{one.pk}"))
        for one in people
    ]
    with CaptureQueriesContext(connection) as asked:
        assert set(codes(together(asks))) == {"placed"}
    return len(asked)


def test_as_many_statements_for_thirty_as_for_two(now):
    assert statements_of(30, now) == statements_of(2, now)


@pytest.mark.parametrize("round_number", range(3))
def test_two_batches_that_want_the_same_in_opposite_order_end_in_one_order_each(now, round_number):
    mug = SkuFactory(on_hand=40)
    people = buyers(20)
    asks = [wish(quote_for(one, mug, now=now), one, now) for one in people]
    found, ready = {}, threading.Barrier(2)

    def run(name, mine):
        try:
            ready.wait(10)
            found[name] = together(mine)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=("there", asks)),
        threading.Thread(target=run, args=("back", asks[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    both = [*found["there"], *found["back"]]
    assert sorted(codes(both)) == ["already_ordered"] * 20 + ["placed"] * 20
    assert Purchase.objects.count() == 20
    assert Stock.objects.get(sku=mug).reserved == 20


def test_a_batch_waits_only_so_long_for_a_lock(now, monkeypatch):
    mug = SkuFactory(on_hand=9)
    [buyer] = buyers(1)
    quote = quote_for(buyer, mug, now=now)
    monkeypatch.setattr(batching, "LOCK_SECONDS", 0.05)
    batcher = batching.Batcher(placing._batch, name="a-test-batcher")
    try:
        with transaction.atomic():
            Quote.objects.select_for_update().get(pk=quote.pk)
            refused = batcher.submit(wish(quote, buyer, now)).exception(20)
    finally:
        batcher.close()
    assert refused.code == "busy"
    assert not Purchase.objects.exists()


def test_many_at_once_go_by_the_batcher_and_everybody_is_answered(now, monkeypatch):
    mug = SkuFactory(on_hand=12)
    people = buyers(12)
    quotes = {one.pk: quote_for(one, mug, now=now) for one in people}
    sizes, batch = [], placing._batcher._do
    monkeypatch.setattr(
        placing._batcher, "_do", lambda asks, then: (sizes.append(len(asks)), batch(asks, then))
    )
    monkeypatch.setattr(placing, "_heat", Heat(above=0))
    answers = {}

    def run(buyer):
        try:
            answers[buyer.pk], _placed = services.place_order_once(
                scope=f"place:{buyer.pk}", key="one-and-only", body={}, describe=describe,
                quote_id=quotes[buyer.pk].pk, buyer=buyer, address=ADDRESS,
                card_token="tok_success", now=now,
            )  # fmt: skip
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[one]) for one in people for _twice in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    numbers = [answers[one.pk].body["numbers"] for one in people]
    assert numbers == [
        list(Order.objects.filter(buyer=one).values_list("number", flat=True)) for one in people
    ]
    assert sum(sizes) >= 24
    assert User.objects.filter(orders__isnull=False).distinct().count() == 12


def test_without_the_claim_the_same_request_would_be_refused_and_not_answered_again(now):
    """The control of the keys: the quote's state alone guards against a second order."""
    mug = SkuFactory(on_hand=9)
    [buyer] = buyers(1)
    quote = quote_for(buyer, mug, now=now)
    asks = [wish(quote, buyer, now), wish(quote, buyer, now)]
    assert codes(together(asks[:1]) + together(asks[1:])) == ["placed", "already_ordered"]
    claims = [one._replace(**claimed("key-of-mine")) for one in asks]
    [answer] = together(claims[:1])
    assert isinstance(answer, services.AlreadyOrdered)
    assert not isinstance(answer, Taken)
