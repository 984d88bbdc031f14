"""The pages from cart to paid order, as a browser without JavaScript walks them."""

import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from shops.checkout import views
from shops.checkout.models import CartLine, Quote
from shops.facts.idempotency import fingerprint
from shops.facts.models import IdempotencyKey
from shops.orders.models import Order, Purchase
from shops.orders.services import mark_paid
from shops.payments.models import Payment
from shops.stock.models import Hold, Stock
from shops.stock.services import set_policy
from tests.factories.checkout import ADDRESS, purchase_of, quote_for

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"Accept": "application/json"}


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def _form(page):
    """Read the hidden key and the address of the order form of a checkout page."""
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page.text)[1]
    return re.search(r'action="(/checkout/[^"]+/place/)"', page.text)[1], key


def _key(page):
    return re.search(r'name="idempotency_key" value="([^"]+)"', page.text)[1]


def _fields(user, key, card="tok_success"):
    return {
        "address_choice": user.addresses.get().pk,
        "card_token": card,
        "idempotency_key": key,
    }


def test_from_the_cart_to_the_paid_order(browser, alice, mug, provider):
    browser.post("/cart/add/", {"sku": mug.pk, "quantity": 2, "referral": "pin"})
    assert "39.80" in browser.get("/cart/").text
    page = browser.get("/checkout/")
    assert "data-expires-at" in page.text
    action, key = _form(page)
    answer = browser.post(action, _fields(alice, key), follow=True)
    order = Order.objects.get()
    assert answer.redirect_chain == [(f"/orders/{order.number}/", 302)]
    assert "Paid. Thank you!" in answer.text
    assert order.lines.get().referral == "pin"
    assert order.number in browser.get("/orders/").text


def test_a_declined_card_then_another_one(browser, alice, mug, provider):
    quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))
    page = browser.post(action, _fields(alice, key, "tok_insufficient_funds"), follow=True)
    assert "not enough money" in page.text
    assert Stock.objects.get(pk=mug.pk).reserved == 1
    number = Order.objects.get().number
    pay = {"card_token": "tok_success", "idempotency_key": _key(page)}
    for _ in range(2):
        page = browser.post(f"/orders/{number}/pay/", pay, follow=True)
        assert "Paid. Thank you!" in page.text
    assert len(provider.charges) == 2


def test_a_provider_that_does_not_answer_is_waited_for(browser, alice, mug, provider):
    quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))
    page = browser.post(action, _fields(alice, key, "tok_timeout"), follow=True)
    order = Order.objects.get()
    assert "waiting for the payment" in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    part = browser.get(f"/orders/{order.number}/payment/")
    assert "hx-trigger" in part.text
    assert "HX-Refresh" not in part.headers
    mark_paid(purchase_id=order.purchase_id, now=order.placed_at)
    part = browser.get(f"/orders/{order.number}/payment/")
    assert part.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in part.text


def test_a_new_address_is_checked_field_by_field(client, bob, mug, provider):
    client.force_login(bob)
    quote_for(bob, mug)
    action, key = _form(client.get("/checkout/"))
    fields = {"card_token": "tok_success", "idempotency_key": key}
    page = client.post(action, {**fields, **ADDRESS, "city": "", "country": "Narnia"})
    assert page.status_code == 422
    assert "Nothing was ordered yet" in page.text
    assert "id_city_error" in page.text
    assert "id_country_error" in page.text
    assert "id_line1_error" not in page.text
    assert not Order.objects.exists()
    assert client.post(action, {**fields, **ADDRESS}).status_code == 302
    assert bob.addresses.get().city == "Roma"


def test_an_address_typed_in_but_not_chosen_is_asked_about(browser, alice, mug, provider):
    quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))

    page = browser.post(action, {**_fields(alice, key), **ADDRESS, "line1": "Elsewhere 5"})

    assert page.status_code == 422
    assert "You have typed in another address, too" in page.text
    assert 'value="Elsewhere 5"' in page.text
    assert "<details open" in re.sub(r'<details class="[^"]*" ', "<details ", page.text)
    assert not Order.objects.exists()
    chosen = {**_fields(alice, key), **ADDRESS, "line1": "Elsewhere 5", "address_choice": "new"}
    assert browser.post(action, chosen).status_code == 302
    assert Order.objects.get().address["line1"] == "Elsewhere 5"


def test_a_strangers_address_and_an_unknown_card_can_not_be_chosen(browser, alice, olga, mug):
    theirs = olga.addresses.create(**ADDRESS)
    quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))
    for bad in ({"address_choice": theirs.pk}, {"card_token": "tok_free"}):
        assert browser.post(action, {**_fields(alice, key), **bad}).status_code == 422
    assert not Order.objects.exists()


def test_a_double_click_is_one_order_and_both_answers_lead_to_it(alice, mug, provider):
    quote = quote_for(alice, mug)
    fields = _fields(alice, uuid.uuid4().hex)
    barrier, places = threading.Barrier(2), []
    clients = [Client(), Client()]
    for one in clients:
        one.force_login(alice)

    def click(one):
        barrier.wait()
        try:
            places.append(one.post(f"/checkout/{quote.pk}/place/", fields).headers["Location"])
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=[one]) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places == [f"/orders/{Order.objects.get().number}/"] * 2
    assert len(provider.charges) == Payment.objects.count() == 1


def test_two_tabs_with_keys_of_their_own_lead_to_the_same_order(browser, alice, mug, provider):
    quote_for(alice, mug)
    (action, key), (_, other) = _form(browser.get("/checkout/")), _form(browser.get("/checkout/"))
    assert key != other
    first = browser.post(action, _fields(alice, key))
    second = browser.post(action, _fields(alice, other))
    assert first.headers["Location"] == second.headers["Location"]
    assert Purchase.objects.count() == 1
    # The refused one freed its key.
    assert IdempotencyKey.objects.get().key == key


def test_programs_get_the_same_answer_and_problem_details(browser, alice, mug, provider):
    quote = quote_for(alice, mug)
    url, fields = f"/checkout/{quote.pk}/place/", _fields(alice, "")
    missing = browser.post(url, fields, headers=JSON)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    keyed = {**JSON, "Idempotency-Key": "a-key-of-mine"}
    first, second = (browser.post(url, fields, headers=keyed) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert (
        first.json()
        == second.json()
        == {
            "number": Order.objects.get().number,
            "url": f"/orders/{Order.objects.get().number}/",
        }
    )
    other = browser.post(url, {**fields, "card_token": "tok_delay"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    bad = browser.post(url, {**fields, "card_token": "no"}, headers=keyed)
    assert (bad.status_code, list(bad.json()["errors"])) == (400, ["card_token"])


def test_in_flight_tells_programs_when_to_come_back(browser, alice, mug):
    quote = quote_for(alice, mug)
    fields = _fields(alice, "")
    keyed = {**JSON, "Idempotency-Key": "a-key-of-mine"}
    place = f"/checkout/{quote.pk}/place/"
    IdempotencyKey.objects.create(
        scope=f"place-order:{alice.pk}",
        key="a-key-of-mine",
        fingerprint=fingerprint(
            {"quote": str(quote.pk), "address": ADDRESS, "card": "tok_success"}
        ),
        leased_until=quote.created_at + timedelta(hours=1),
    )
    answer = browser.post(place, fields, headers=keyed)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


def test_a_hold_that_ran_out_leads_to_a_new_offer_at_todays_price(browser, alice, mug, provider):
    quote = quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))
    Hold.objects.update(expires_at=quote.created_at - timedelta(seconds=1))
    mug.price_minor = 2090
    mug.save()
    page = browser.post(action, _fields(alice, key), follow=True)
    assert page.redirect_chain == [("/checkout/", 302)]
    assert "Nothing was ordered" in page.text
    assert "20.90" in page.text
    assert not Order.objects.exists()
    assert Stock.objects.get(pk=mug.pk).reserved == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "abc", "", "1.5", "９"])
def test_bad_quantities_get_a_clear_error(client, mug, quantity):
    answer = client.post("/cart/add/", {"sku": mug.pk, "quantity": quantity}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_quantity")
    page = client.post("/cart/add/", {"sku": mug.pk, "quantity": quantity})
    assert page.status_code == 400
    assert "whole number from 1 to 99" in page.text
    assert not CartLine.objects.exists()


@pytest.mark.parametrize("sku", ["", "abc", "-1", "99999999999999999999", "123456789"])
def test_what_does_not_exist_can_not_be_added(client, db, sku):
    assert client.post("/cart/add/", {"sku": sku, "quantity": 1}, headers=JSON).status_code == 404


def test_adding_without_leaving_the_page_tells_the_new_count(client, mug):
    answer = client.post("/cart/add/", {"sku": mug.pk, "quantity": 2}, headers=JSON).json()
    assert (answer["units"], answer["version"]) == (2, 1)
    assert answer["line"] == {
        "sku": mug.pk,
        "title": "Mug",
        "options": "red",
        "quantity": 2,
        "price_minor": 1990,
        "currency": "EUR",
    }


def test_next_leads_only_to_our_own_pages(client, mug):
    def go(target):
        return client.post("/cart/add/", {"sku": mug.pk, "next": target}).headers["Location"]

    assert go("/live/1/") == "/live/1/"
    assert go("https://evil.example/") == go("//evil.example") == "/cart/"


def test_a_removed_line_can_be_put_back(client, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 2, "referral": "pin"})
    page = client.post(f"/cart/lines/{mug.pk}/", {"quantity": 0, "version": 1}, follow=True)
    assert "Undo" in page.text
    assert 'name="referral" value="pin"' in page.text
    assert "Undo" not in client.get("/cart/").text


def test_a_stale_tab_sees_the_cart_as_it_is(client, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 2})
    page = client.post(f"/cart/lines/{mug.pk}/", {"quantity": 5, "version": 0})
    assert page.status_code == 409
    assert "changed in another tab" in page.text
    assert 'name="version" value="1"' in page.text
    problem = client.post(f"/cart/lines/{mug.pk}/", {"quantity": 5, "version": 0}, headers=JSON)
    assert (problem.status_code, problem.json()["code"]) == (409, "cart_changed")


def test_the_panel_is_a_fragment_that_htmx_changes_in_place(client, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 2})
    assert "<html" not in client.get("/cart/panel/").text
    page = client.post(
        f"/cart/lines/{mug.pk}/", {"quantity": 3, "version": 1}, headers={"HX-Request": "true"}
    )
    assert 'data-cart-units="3"' in page.text
    page = client.post(
        f"/cart/lines/{mug.pk}/", {"quantity": 30, "version": 2}, headers={"HX-Request": "true"}
    )
    assert "Only 10 are left" in page.text


def test_what_ran_short_is_named_at_checkout(browser, alice, mug, scarf):
    browser.post("/cart/add/", {"sku": scarf.pk, "quantity": 3})
    Stock.objects.filter(pk=scarf.pk).update(on_hand=1)
    page = browser.get("/checkout/")
    assert page.status_code == 409
    assert "Only 1 left" in page.text


def test_buy_now_goes_to_the_checkout_and_asks_strangers_to_sign_in(client, alice, mug):
    assert client.post("/buy/", {"sku": mug.pk}).headers["Location"] == "/checkout/"
    assert client.get("/checkout/").headers["Location"] == "/accounts/login/?next=/checkout/"


def test_buying_now_what_is_in_the_cart_already_makes_it_no_more(browser, alice, mug):
    browser.post("/buy/", {"sku": mug.pk, "quantity": 1})
    browser.post("/buy/", {"sku": mug.pk, "quantity": 1})
    assert alice.cart.lines.get().quantity == 1
    browser.post("/buy/", {"sku": mug.pk, "quantity": 3})
    assert alice.cart.lines.get().quantity == 3


def test_an_empty_cart_has_something_to_say_and_no_checkout(browser):
    page = browser.get("/checkout/", follow=True)
    assert page.redirect_chain == [("/cart/", 302)]
    assert "Nothing in your cart yet" in page.text
    assert "No orders yet" in browser.get("/orders/").text


def test_giving_the_quote_up(browser, alice, mug):
    quote = quote_for(alice, mug)
    browser.post(f"/checkout/{quote.pk}/cancel/")
    assert Quote.objects.get().state == "closed"
    assert Stock.objects.get(pk=mug.pk).reserved == 0


def test_what_is_somebody_elses_does_not_exist(client, alice, bob, mug, provider):
    number = purchase_of(alice, mug).orders.get().number
    quote = quote_for(alice, mug)
    client.force_login(bob)
    assert client.get(f"/orders/{number}/").status_code == 404
    assert client.get(f"/orders/{number}/payment/").status_code == 404
    for url in (
        f"/orders/{number}/pay/",
        f"/orders/{number}/cancel/",
        f"/checkout/{quote.pk}/place/",
        f"/checkout/{quote.pk}/cancel/",
    ):
        answer = client.post(url, {"card_token": "tok_success"}, headers=JSON)
        assert answer.status_code == 404, url


def test_the_buyer_cancels_an_unpaid_order(browser, alice, mug):
    purchase = purchase_of(alice, mug)
    purchase.payments.update(state="failed")
    number = purchase.orders.get().number
    page = browser.post(f"/orders/{number}/cancel/", follow=True)
    assert "Nothing was charged" in page.text
    assert "Cancelled by the buyer" in page.text


def test_the_shop_sees_its_orders_and_gives_money_back(
    client, browser, alice, carol, shop, mug, provider
):
    quote_for(alice, mug, quantity=2)
    action, key = _form(browser.get("/checkout/"))
    browser.post(action, _fields(alice, key))
    number = Order.objects.get().number
    url = f"/seller/{shop.slug}/orders/"
    assert browser.get(url).status_code == 403
    assert browser.get(f"{url}{number}/").status_code == 403
    client.force_login(carol)
    assert number in client.get(url).text
    assert number in client.get(f"{url}?state=awaiting_shipment").text
    assert "No orders here" in client.get(f"{url}?state=expired").text
    assert "Yes, cancel and refund" in client.get(f"{url}{number}/").text
    assert client.post(f"{url}{number}/refund/", {"reason": " "}).status_code == 400
    assert not Order.objects.get().is_refunded
    page = client.post(
        f"{url}{number}/refund/", {"reason": "broken", "idempotency_key": "refund-1"}, follow=True
    )
    assert "on its way back" in page.text
    assert (Order.objects.get().is_refunded, Order.objects.get().state) == (True, "cancelled")
    assert Stock.objects.get(pk=mug.pk).reserved == 0
    assert "Yes, cancel and refund" not in page.text
    assert "To be packed" not in page.text
    client.force_login(alice)
    page = client.get(f"/orders/{number}/")
    assert "€39.80 went back to the card. Why: broken" in page.text


def test_a_part_that_is_given_back_twice_with_one_key_goes_back_once(
    client, browser, alice, carol, shop, mug, provider
):
    quote_for(alice, mug, quantity=2)
    action, key = _form(browser.get("/checkout/"))
    browser.post(action, _fields(alice, key))
    number = Order.objects.get().number
    url = f"/seller/{shop.slug}/orders/{number}/"
    client.force_login(carol)
    some = {"reason": "A scratch", "amount": "5.00", "idempotency_key": _key(client.get(url))}
    for _ in range(2):
        client.post(f"{url}refund/", some)
    assert Order.objects.get().refunded_minor == 500
    assert client.post(f"{url}refund/", {**some, "amount": "6.00"}, headers=JSON).status_code == 422
    # The control: another key is another wish.
    client.post(f"{url}refund/", {**some, "idempotency_key": _key(client.get(url))})
    assert Order.objects.get().refunded_minor == 1000


def test_get_changes_nothing_where_post_is_meant(browser, mug):
    for url in ("/cart/add/", "/buy/", f"/cart/lines/{mug.pk}/"):
        assert browser.get(url).status_code == 405


def test_a_refund_that_the_provider_refuses_is_not_shown_as_done(
    client, browser, alice, carol, shop, mug, provider
):
    quote_for(alice, mug)
    action, key = _form(browser.get("/checkout/"))
    browser.post(action, _fields(alice, key))
    number = Order.objects.get().number
    provider.refuses_refunds = True
    client.force_login(carol)
    url = f"/seller/{shop.slug}/orders/{number}/"
    page = client.post(
        f"{url}refund/", {"reason": "broken", "idempotency_key": "refund-1"}, follow=True
    )
    assert "on its way back" not in page.text
    assert "No money went back to the buyer" in page.text
    assert "refused to give the payment back" in client.get(url).text
    assert not Order.objects.get().is_refunded

    provider.refuses_refunds = False
    page = client.post(
        f"{url}refund/", {"reason": "broken", "idempotency_key": "refund-2"}, follow=True
    )
    assert "on its way back" in page.text
    assert Order.objects.get().is_refunded


def test_carts_without_an_account_can_not_keep_everything_from_everybody(
    client, alice, mug, monkeypatch, settings
):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }
    monkeypatch.setattr(views, "_MOST_KEPT", 2)
    wanted = {"path": "/cart/add/", "data": {"sku": mug.pk}, "headers": JSON}

    def by_new_browsers(count):
        return [Client().post(**wanted).status_code for _ in range(count)]

    assert by_new_browsers(3) == [200, 200, 200]  # nothing is kept by a cart yet
    set_policy(product_id=mug.product_id, mode="cart_hold", hold_seconds=None, most_per_buyer=None)
    assert by_new_browsers(3) == [200, 200, 429]
    client.force_login(alice)
    assert client.post(**wanted).status_code == 200
    assert Hold.objects.count() == 3
