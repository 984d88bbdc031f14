"""The waitlist's pages: asked for on the product's page, taken or passed on at one's own."""

import pytest

from shops.stock.models import EntryState, Hold, WaitlistEntry
from shops.stock.services import give_back
from tests.factories.catalog import SkuFactory
from tests.factories.stock import order, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def sku(shop):
    return SkuFactory(product__shop=shop, product__title="Teapot", on_hand=1, options=[])


@pytest.fixture
def gone(sku):
    return order(sku)


@pytest.fixture
def offered(sku, gone, alice, now):
    """Alice's entry, whose turn it is."""
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    return entry


def text(answer):
    return answer.content.decode()


def test_a_sold_out_product_asks_whether_to_tell(client, sku, gone, alice):
    client.force_login(alice)

    shown = text(client.get(sku.product.url))

    assert "Tell me" in shown
    assert f'name="sku" value="{sku.pk}"' in shown


def test_a_product_in_stock_does_not_ask(client, sku, alice):
    client.force_login(alice)
    assert "Tell me" not in text(client.get(sku.product.url))


def test_only_sold_out_variants_can_be_waited_for(client, shop, alice):
    here = SkuFactory(product__shop=shop, options=["Red", "S"], on_hand=2)
    for options in (["Red", "M"], ["Blue", "S"]):
        SkuFactory(product=here.product, options=options, on_hand=0)
    client.force_login(alice)

    page = client.get(here.product.url).context["page"]

    assert sorted(label for _id, label in page.sold_out) == ["Blue / S", "Red / M"]


def test_strangers_are_asked_to_sign_in_first(client, sku, gone):
    assert "Sign in to be told" in text(client.get(sku.product.url))
    assert client.get("/waitlist/").url.startswith("/accounts/login/")
    assert client.post("/waitlist/join/", {"sku": sku.pk}).url.startswith("/accounts/login/")


def test_joining_shows_the_place(client, sku, gone, alice, bob):
    wait(bob, sku)
    client.force_login(alice)

    answer = client.post("/waitlist/join/", {"sku": sku.pk, "quantity": "2"}, follow=True)

    assert "1 person is before you" in text(answer)
    assert WaitlistEntry.objects.get(user=alice).quantity == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"sku": ""}, 404),
        ({"sku": "99999999999999999999"}, 404),
        ({"sku": "٣"}, 404),
        ({"quantity": "0"}, 400),
        ({"quantity": "many"}, 400),
        ({"quantity": "-1"}, 400),
    ],
    ids=str,
)
def test_nonsense_is_refused(client, sku, gone, alice, fields, status):
    client.force_login(alice)

    answer = client.post("/waitlist/join/", {"sku": sku.pk, "quantity": "1", **fields})

    assert answer.status_code == status
    assert not WaitlistEntry.objects.exists()


def test_an_offer_can_be_taken_to_checkout_or_passed_on(client, sku, offered, alice):
    client.force_login(alice)

    shown = text(client.get("/waitlist/"))

    assert "1 is kept for you until" in shown
    assert 'action="/buy/"' in shown
    answer = client.post(f"/waitlist/{offered.pk}/decline/", follow=True)
    assert "The next person gets it" in text(answer)
    offered.refresh_from_db()
    assert offered.state == EntryState.DECLINED


def test_taking_an_offer_buys_what_is_kept_and_holds_nothing_more(client, offered, alice):
    client.force_login(alice)

    answer = client.post("/buy/", {"sku": offered.sku_id, "quantity": "1"}, follow=True)

    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/checkout/"
    held = Hold.objects.filter(state="held")
    assert [one.pk for one in held] == [WaitlistEntry.objects.get().hold_id]


def test_leaving(client, sku, gone, alice):
    entry = wait(alice, sku)
    client.force_login(alice)

    answer = client.post(f"/waitlist/{entry.pk}/leave/", follow=True)

    assert "You wait for nothing" in text(answer)
    assert [one.state for one in answer.context["ended"]] == ["left"]


@pytest.mark.parametrize("action", ["decline", "leave"])
def test_others_places_are_not_there(client, offered, bob, action):
    client.force_login(bob)

    assert client.post(f"/waitlist/{offered.pk}/{action}/").status_code == 404
    assert client.get(f"/waitlist/{offered.pk}/{action}/").status_code == 405
    offered.refresh_from_db()
    assert offered.is_offered


def test_an_offer_that_is_over_is_told(client, offered, alice):
    client.force_login(alice)
    client.post(f"/waitlist/{offered.pk}/decline/")

    answer = client.post(f"/waitlist/{offered.pk}/decline/")

    assert answer.status_code == 409
    assert "This offer is over" in text(answer)
