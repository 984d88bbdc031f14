"""What buyers and shops see of an order and can do about it, without JavaScript."""

import re
from datetime import timedelta

import pytest

from shops.orders import queries
from shops.orders.models import Order, Parcel, ParcelState
from shops.orders.services import mark_paid, move_parcel, record_refund, release_due
from tests.factories.checkout import purchase_of
from tests.shops.orders.life import lines_of, number, sent

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


@pytest.fixture
def seller(client, carol):
    client.force_login(carol)
    return client


@pytest.fixture
def buyer(client, alice):
    client.force_login(alice)
    return client


def _key(page):
    return re.search(r'name="idempotency_key" value="([^"]+)"', page.text)[1]


def test_the_buyer_cancels_during_the_remorse_hold(buyer, paid, remorse, purchase, order, now):
    Order.objects.filter(pk=paid.pk).update(
        state="on_hold", released_at=None, hold_until=now + timedelta(hours=1)
    )
    page = buyer.get(f"/orders/{paid.number}/")
    assert "You can still cancel" in page.text
    assert "The shop has your order" not in page.text
    page = buyer.post(f"/orders/{paid.number}/cancel/", follow=True)
    assert "All the money goes back" in page.text
    assert "Cancelled by the buyer" in page.text
    paid.refresh_from_db()
    assert paid.state == "cancelled"


def test_a_program_cancels_once_under_its_key(buyer, paid, now):
    Order.objects.filter(pk=paid.pk).update(state="on_hold")
    url = f"/orders/{paid.number}/cancel/"
    assert buyer.post(url, headers=JSON).json()["code"] == "idempotency_key_missing"
    headers = {**JSON, "Idempotency-Key": "cancel-it-1"}
    first, second = buyer.post(url, headers=headers), buyer.post(url, headers=headers)
    assert first.json() == second.json() == {"number": paid.number, "was_paid": True}
    other = buyer.post(url, headers={**JSON, "Idempotency-Key": "cancel-it-2"})
    assert (other.status_code, other.json()["code"]) == (409, "order_not_cancellable")


def test_the_buyer_follows_the_parcel_and_says_that_it_came(buyer, paid, now):
    sent(paid, now=now)
    page = buyer.get(f"/orders/{paid.number}/")
    assert "https://www.ups.com/track?tracknum=1Z999AA10123456784" in page.text
    assert "I have it" in page.text
    page = buyer.post(f"/orders/{paid.number}/received/", follow=True)
    assert "The shop knows that you have it" in page.text
    assert "The buyer has it" in page.text
    assert "I have it" not in page.text
    assert buyer.post(f"/orders/{paid.number}/received/").status_code == 409


def test_what_is_somebody_elses_does_not_exist(client, bob, shop, paid, now):
    parcel = sent(paid, now=now)
    client.force_login(bob)
    for url in (f"/orders/{paid.number}/received/", f"/orders/{paid.number}/cancel/"):
        assert client.post(url).status_code == 404
    base = f"/seller/{shop.slug}/parcels/"
    for url in ("", f"new/{paid.number}/", "sent/", f"{parcel.pk}/"):
        assert client.get(f"{base}{url}").status_code == 403
    for url in ("ship/", f"new/{paid.number}/", f"{parcel.pk}/", f"{parcel.pk}/tracking/"):
        assert client.post(f"{base}{url}").status_code == 403


def test_another_shops_parcels_do_not_exist_either(seller, purchase, paid, lamp, shop, now):
    theirs = purchase.orders.get(lines__sku=lamp)
    parcel = sent(theirs, now=now)
    base = f"/seller/{shop.slug}/parcels/"
    for pk in (parcel.pk, 2**70):
        assert seller.get(f"{base}{pk}/").status_code == 404
    assert seller.get(f"{base}new/{theirs.number}/").status_code == 404
    assert seller.get(f"{base}slips.pdf?parcel={parcel.pk}").status_code == 404
    seller.post(f"{base}ship/", {"box": [str(theirs.pk)]})
    assert theirs.number not in seller.get(base).text


def test_chosen_parcels_are_shipped_and_what_is_wrong_stays_to_be_mended(
    seller, alice, bob, mug, shop, now
):
    for user in (alice, bob):
        mark_paid(purchase_id=purchase_of(user, mug, now=now).pk, now=now)
    first, second = Order.objects.order_by("pk")
    url = f"/seller/{shop.slug}/parcels/"
    page = seller.get(url)
    fields = {
        "idempotency_key": _key(page),
        "box": [str(first.pk), str(second.pk)],
        f"{first.pk}-carrier": "ups",
        f"{first.pk}-tracking_number": number(1),
        f"{second.pk}-carrier": "ups",
        f"{second.pk}-tracking_number": "12",
    }
    page = seller.post(f"{url}ship/", fields)
    assert page.status_code == 422
    assert "That is not a tracking number of this carrier" in page.text
    assert f'value="{second.pk}" checked' in page.text
    assert Parcel.objects.count() == 1
    again = {**fields, f"{second.pk}-tracking_number": number(2)}
    page = seller.post(f"{url}ship/", again, follow=True)
    assert "1 parcel is on its way" in page.text
    assert "Nothing to pack" in page.text
    assert set(Order.objects.values_list("state", flat=True)) == {"in_transit"}


def test_a_second_click_ships_nothing_twice(seller, paid, shop, now):
    url = f"/seller/{shop.slug}/parcels/new/{paid.number}/"
    fields = {
        "idempotency_key": _key(seller.get(url)),
        "line": lines_of(paid),
        "carrier": "ups",
        "tracking_number": number(1),
    }
    first = seller.post(url, fields)
    assert first.status_code == 302
    assert seller.post(url, fields).status_code == 404  # nothing of it waits any more
    assert Parcel.objects.count() == 1


def test_a_part_is_sent_first(seller, alice, mug, scarf, shop, now):
    mark_paid(purchase_id=purchase_of(alice, mug, scarf, now=now).pk, now=now)
    order = Order.objects.get()
    url = f"/seller/{shop.slug}/parcels/new/{order.number}/"
    form = {"carrier": "ups", "tracking_number": number(1)}
    assert "Choose what is in the parcel" in seller.post(url, form).text
    page = seller.post(url, {**form, "line": [lines_of(order)[0]]}, follow=True)
    assert "the buyer knows" in page.text
    order.refresh_from_db()
    assert order.state == "partially_shipped"
    page = seller.get(url)
    assert "Scarf" in page.text
    assert "Mug" not in page.text


def test_the_shop_says_how_a_parcel_stands_and_mends_its_number(seller, paid, shop, now):
    parcel = sent(paid, now=now)
    url = f"/seller/{shop.slug}/parcels/{parcel.pk}/"
    assert seller.post(url, {"state": "eaten"}).status_code == 422
    page = seller.post(url, {"state": "exception", "note": "Nobody at home"}, follow=True)
    assert "Nobody at home" in page.text
    mend = {"carrier": "ups", "tracking_number": "77"}
    assert seller.post(f"{url}tracking/", mend).status_code == 422
    page = seller.post(f"{url}tracking/", {**mend, "tracking_number": number(7)}, follow=True)
    assert number(7) in page.text
    assert "Was: UPS 1Z999AA10123456784" in page.text
    page = seller.post(url, {"state": "delivered"}, follow=True)
    assert "How it stands" not in page.text
    assert number(7) in seller.get(f"/seller/{shop.slug}/parcels/sent/?q={paid.number}").text
    empty = seller.get(f"/seller/{shop.slug}/parcels/sent/?state=lost").text
    assert "No parcels here" in empty


def test_lists_are_searched_filtered_and_paged(client, alice, carol, mug, shop, now, monkeypatch):
    monkeypatch.setattr(queries, "PER_PAGE", 4)
    for _ in range(6):
        purchase_of(alice, mug, now=now)
    numbers = list(Order.objects.order_by("pk").values_list("number", flat=True))
    client.force_login(alice)
    assert "Page 1 of 2" in client.get("/orders/").text
    assert numbers[0] in client.get("/orders/?page=2").text
    page = client.get(f"/orders/?q={numbers[3].lower()}")
    assert page.text.count("LS-") < 5
    assert numbers[3] in page.text
    for query in ("q=carol-has-no-such-thing", "show=arrived", "show=eaten&q=Mug"):
        assert client.get(f"/orders/?{query}").status_code == 200
    assert "No orders like that" in client.get("/orders/?show=arrived").text
    client.force_login(carol)
    assert "Page 1 of 2" in client.get(f"/seller/{shop.slug}/orders/?q=Mug").text
    assert numbers[5] in client.get(f"/seller/{shop.slug}/orders/?q={numbers[5]}").text


def test_the_timeline_has_all_that_happened(buyer, paid, alice, carol, now):
    parcel = sent(paid, now=now, by=carol)
    move_parcel(parcel_id=parcel.pk, to=ParcelState.COLLECTED, now=now)
    record_refund(order_id=paid.pk, amount_minor=1000, now=now)
    page = buyer.get(f"/orders/{paid.number}/")
    for words in (
        "Waiting for payment",
        "Paid, waiting for shipment",
        f"UPS {parcel.tracking_number}",
        "Parcel: Collected by the carrier",
        "Carol",
    ):
        assert words in page.text
    assert "Given back" in page.text


def test_the_shop_is_told_when_it_gets_the_address(seller, shop, paid, now):
    until = now + timedelta(hours=1)
    Order.objects.filter(pk=paid.pk).update(
        state="on_hold", released_at=None, ship_by=None, hold_until=until
    )
    url = f"/seller/{shop.slug}/orders/{paid.number}/"
    page = seller.get(url)
    assert "You get the address when the buyer can no longer cancel" in page.text
    assert "Pack it" not in page.text
    release_due(now=until)
    assert "Pack it" in seller.get(url).text
