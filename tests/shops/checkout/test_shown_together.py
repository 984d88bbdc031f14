"""What the pages of quotes are made of is read for many at once; each sees only what is theirs."""

from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from django.utils.translation import get_language, override

from shops.accounts.models import Address
from shops.catalog.models import ProductImage
from shops.checkout import services
from shops.checkout.models import Quote
from shops.checkout.owner import CartOwner
from shops.checkout.quote_queries import read_quote, shown_quote
from shops.checkout.services import starting
from shops.checkout.services.starting import Asked, start_quotes
from shops.pricing import ways
from tests.factories.checkout import ADDRESS
from tests.factories.pricing import sends, voucher

pytestmark = pytest.mark.django_db


class Frame:
    heard = None

    def hear(self, row):
        self.heard = row


@pytest.fixture
def wishes(alice, bob, carol, shop, mug, scarf, now):
    """Three buyers who have different things to be shown."""
    sends(shop, "Standard", IT=490, FR=990)
    sends(shop, "Express", IT=990)
    voucher(shop, bps=1000, now=now)
    ProductImage.objects.create(product=mug.product, source_url="https://images.example/mug.jpg")
    for user, country in ((alice, "IT"), (alice, "DE"), (bob, "FR")):
        Address.objects.create(user=user, **{**ADDRESS, "country": country})
    for user, sku, quantity in ((alice, mug, 2), (bob, mug, 1), (bob, scarf, 1), (carol, scarf, 1)):
        services.add_to_cart(
            owner=CartOwner(user_id=user.pk), sku_id=sku.pk, quantity=quantity, now=now
        )
    [quote] = start_quotes([Asked(bob.pk, "", now, "en")])
    services.reprice_quote(quote_id=quote.pk, buyer_id=bob.pk, add_code="spring", now=now)
    return [Asked(user.pk, "", now, "en", is_shown=True) for user in (alice, bob, carol)]


def test_each_is_shown_what_it_would_be_alone(wishes, alice, bob, carol):
    quotes = start_quotes(wishes)
    frames = [Frame() for _quote in quotes]
    together = [
        shown_quote(quote=quote, frame=frame) for quote, frame in zip(quotes, frames, strict=True)
    ]
    alone = [shown_quote(quote=Quote.objects.get(pk=quote.pk)) for quote in quotes]

    assert together == alone
    assert [len(shown.addresses) for shown in together] == [3, 1, 0]
    assert [len(shown.vouchers) for shown in together] == [0, 1, 0]
    pictures = [[image and image.url for _, image in one.parts[0].pictured] for one in together]
    picture = "https://images.example/mug.jpg"
    assert pictures == [[picture], [picture, None], [None]]
    assert [(frame.heard[0], frame.heard[-1]) for frame in frames] == [
        (2, alice.pk),
        (2, bob.pk),
        (1, carol.pk),
    ]


def test_it_is_one_trip_for_all_and_only_for_who_is_shown_theirs(wishes, monkeypatch):
    trips = []

    def counted(quotes, **how):
        trips.append([quote.buyer_id for quote in quotes])
        return rows_of(quotes, **how)

    rows_of = starting.rows_of
    monkeypatch.setattr(starting, "rows_of", counted)
    first, second, third = start_quotes([*wishes[:2], wishes[2]._replace(is_shown=False)])

    assert trips == [[wishes[0].user_id, wishes[1].user_id]]
    assert first.rows
    assert second.rows
    assert third.rows is None
    # Shown once: who reads it again reads what it is then.
    first_read = read_quote(quote=first)
    Address.objects.filter(user_id=first.buyer_id).delete()
    assert first_read.addresses
    assert not read_quote(quote=first).addresses


def test_who_is_refused_is_shown_nothing_and_the_others_are(wishes, dave, now):
    refused, shown = start_quotes([Asked(dave.pk, "", now, "en", is_shown=True), wishes[0]])

    assert isinstance(refused, services.EmptyCart)
    assert shown.rows


def test_a_shop_without_ways_sends_in_the_words_of_each_reader(alice, bob, mug, now, monkeypatch):
    monkeypatch.setattr(ways, "_", lambda text: f"{text} {get_language()}")
    for user in (alice, bob):
        owner = CartOwner(user_id=user.pk)
        services.add_to_cart(owner=owner, sku_id=mug.pk, quantity=1, now=now)
    quotes = start_quotes([Asked(user.pk, "", now, "en", is_shown=True) for user in (alice, bob)])

    names = []
    for quote, language in zip(quotes, ("it", "fr"), strict=True):
        with override(language):
            [part] = shown_quote(quote=quote).parts
        names.append(part.options[0].option.name)
    assert names == ["Standard it", "Standard fr"]


def test_all_that_a_page_is_sent_to_is_there(client, alice, mug, now):
    Address.objects.create(user=alice, **ADDRESS)
    client.force_login(alice)
    client.post("/cart/add/", {"sku": mug.pk})
    page = client.get("/checkout/").text
    path = f"/checkout/{Quote.objects.get().pk}/"

    for name in ("price", "keep", "place", "cancel"):
        assert resolve(urlsplit(f"{path}{name}/").path).namespace == "checkout"
    assert page.count(f'hx-post="{path}price/"') == 2
    assert page.count(f'formaction="{path}price/"') == 3
    for name in ("keep", "place", "cancel"):
        assert page.count(f'action="{path}{name}/"') == 1
