"""The checkout page: choosing, being told what is wrong, and never paying another price."""

import re
import uuid

import pytest
from django.template.defaultfilters import date
from django.utils.html import escape
from django.utils.timezone import localtime

from shops.accounts.models import Address
from shops.checkout.models import Quote
from shops.checkout.quote_queries import shown_quote
from shops.checkout.services import placing
from shops.facts.batching import Unavailable
from shops.orders.models import Order
from shops.stock.services import set_policy
from tests.factories.checkout import ADDRESS, quote_for
from tests.factories.pricing import deal, sends, tax, voucher
from tests.factories.webhooks import token_for

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def _fields(user, quote, **more):
    return {
        "address_choice": user.addresses.first().pk,
        "card_token": "tok_success",
        "idempotency_key": uuid.uuid4().hex,
        "signature": quote.signature,
        **more,
    }


def test_the_cart_tells_the_all_in_price_early_and_for_another_country(
    browser, alice, shop, mug, now
):
    sends(shop, IT=490, anywhere=1500)
    tax("US", 1000, is_inclusive=False)
    deal(mug, 1500, now=now)
    browser.post("/cart/add/", {"sku": mug.pk})
    page = browser.get("/cart/").text
    assert "€19.90" in page
    assert "Total to Italy" in page
    assert "€4.90" in page
    page = browser.post("/cart/country/", {"country": "US"}, follow=True).text
    assert "Total to United States" in page
    assert "€33.00" in page


def test_ways_to_send_and_vouchers_are_chosen_without_losing_what_was_typed(
    browser, alice, shop, mug, now
):
    sends(shop, "Standard", IT=490)
    express = sends(shop, "Express", IT=990)
    voucher(shop, bps=1000, now=now)
    quote = quote_for(alice, mug, now=now)
    fields = _fields(alice, quote, line1="Typed in 5", voucher="spring")
    fields[f"ship-{shop.pk}"] = express.pk
    page = browser.post(f"/checkout/{quote.pk}/price/", fields)
    assert page.status_code == 200
    assert 'value="Typed in 5"' in page.text
    assert "Voucher SPRING" in page.text
    assert "Order and pay €27.81" in page.text
    assert f'name="signature" value="{Quote.objects.get().signature}"' in page.text
    dropped = browser.post(
        f"/checkout/{quote.pk}/price/", {**fields, "voucher": "", "drop": "SPRING"}
    )
    assert "Order and pay €29.80" in dropped.text


def test_a_voucher_that_does_not_count_says_why_beside_its_field(browser, alice, mug, now):
    quote = quote_for(alice, mug, now=now)
    page = browser.post(f"/checkout/{quote.pk}/price/", _fields(alice, quote, voucher="NOPE"))
    assert page.status_code == 422
    assert re.search(
        r'id="voucher"[^>]*value="NOPE"[^>]*aria-describedby="voucher_error"', page.text
    )
    assert "not known" in page.text


def test_an_order_to_another_country_is_asked_again_when_it_costs_more(
    browser, alice, shop, mug, provider, now
):
    sends(shop, IT=490, anywhere=1500)
    there = Address.objects.create(
        user=alice, **{**ADDRESS, "country": "DE", "postal_code": "10115", "city": "Berlin"}
    )
    quote = quote_for(alice, mug, now=now)
    fields = _fields(alice, quote, address_choice=there.pk)
    page = browser.post(f"/checkout/{quote.pk}/place/", fields)
    assert page.status_code == 409
    assert "another country" in page.text
    assert "Order and pay €34.90" in page.text
    assert not Order.objects.exists()
    again = {**fields, "signature": Quote.objects.get().signature}
    assert browser.post(f"/checkout/{quote.pk}/place/", again).status_code == 302
    assert Order.objects.get().total_minor == 3490


def test_an_order_to_another_country_at_the_same_price_just_goes_there(
    browser, alice, mug, provider, now
):
    there = Address.objects.create(
        user=alice, **{**ADDRESS, "country": "DE", "postal_code": "10115", "city": "Berlin"}
    )
    quote = quote_for(alice, mug, now=now)
    fields = _fields(alice, quote, address_choice=there.pk)
    assert browser.post(f"/checkout/{quote.pk}/place/", fields).status_code == 302
    assert Order.objects.get().address["country"] == "DE"


def test_a_price_that_another_tab_changed_is_shown_before_it_is_paid(
    browser, alice, shop, mug, provider, now
):
    sends(shop, "Standard", IT=490)
    express = sends(shop, "Express", IT=990)
    quote = quote_for(alice, mug, now=now)
    first_tab = _fields(alice, quote)
    browser.post(f"/checkout/{quote.pk}/price/", {f"ship-{shop.pk}": express.pk, **first_tab})
    page = browser.post(f"/checkout/{quote.pk}/place/", first_tab)
    assert page.status_code == 409
    assert "another tab" in page.text
    problem = browser.post(
        f"/checkout/{quote.pk}/place/",
        first_tab,
        headers={**JSON, "Idempotency-Key": uuid.uuid4().hex},
    )
    assert (problem.status_code, problem.json()["code"]) == (409, "quote_changed")
    assert not Order.objects.exists()


@pytest.mark.parametrize("is_done", [True, False], ids=["done all the same", "not done"])
def test_who_is_told_that_it_can_not_be_done_now_presses_again_and_orders_once(
    browser, alice, mug, provider, now, monkeypatch, is_done
):
    quote = quote_for(alice, mug, now=now)
    fields = _fields(alice, quote)
    address = f"/checkout/{quote.pk}/place/"

    def lose_the_answer(wanted, *, alone, **_options):
        if is_done:
            alone(wanted)
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(placing, "together", lose_the_answer)
        page = browser.post(address, fields, headers={"Referer": "http://testserver/checkout/"})
    assert page.status_code == 503
    assert escape(str(Unavailable.message)) in page.text
    assert f'value="{fields["idempotency_key"]}"' in page.text

    again = browser.post(address, fields)

    order = Order.objects.get()
    assert again.url == f"/orders/{order.number}/"


def test_a_tampered_quote_leads_to_a_new_one(browser, alice, mug, provider, now):
    quote = quote_for(alice, mug, now=now)
    Quote.objects.update(total_minor=1)
    page = browser.post(f"/checkout/{quote.pk}/place/", _fields(alice, quote), follow=True)
    assert "not as we made it" in page.text
    assert page.context["quote"].pk != quote.pk
    assert not Order.objects.exists()


def test_mistakes_are_listed_beside_their_fields_and_the_first_one_has_the_focus(
    client, bob, mug, now
):
    client.force_login(bob)
    quote = quote_for(bob, mug, now=now)
    fields = {"card_token": "tok_success", "idempotency_key": uuid.uuid4().hex}
    page = client.post(f"/checkout/{quote.pk}/place/", {**ADDRESS, **fields, "postal_code": "1"})
    assert page.status_code == 422
    assert 'href="#id_postal_code"' in page.text
    assert re.search(r'name="postal_code"[^>]*autofocus', page.text)
    assert page.text.count("autofocus") == 1


@pytest.mark.parametrize(
    "name", ["名" * 60, "O'Neil <b>&", "x" * 10_000], ids=["cjk", "html", "long"]
)
def test_names_of_all_kinds_are_kept_or_refused_and_never_markup(
    client, bob, mug, provider, now, name
):
    client.force_login(bob)
    quote = quote_for(bob, mug, now=now)
    fields = {"card_token": "tok_success", "idempotency_key": uuid.uuid4().hex}
    answer = client.post(f"/checkout/{quote.pk}/place/", {**ADDRESS, **fields, "full_name": name})
    if len(name) > 120:
        assert answer.status_code == 422
        assert not Order.objects.exists()
        return
    assert Order.objects.get().address["full_name"] == name
    assert name not in client.get(answer.headers["Location"]).text or "<" not in name


def test_what_is_not_sent_there_has_no_button(browser, alice, shop, mug, now):
    sends(shop, FR=490)
    quote_for(alice, mug, now=now)
    page = browser.get("/checkout/").text
    assert "does not send to Italy" in page
    assert "Order and pay" not in page


def test_timers_are_timers_and_can_be_kept_longer(browser, mug, shop, now):
    set_policy(product_id=mug.product_id, mode="cart_hold", hold_seconds=None, most_per_buyer=None)
    browser.post("/cart/add/", {"sku": mug.pk})
    assert 'role="timer"' in browser.get("/cart/").text
    assert browser.post("/cart/keep/").status_code == 302
    page = browser.get("/checkout/")
    assert 'role="timer"' in page.text
    kept = browser.post(f"/checkout/{page.context['quote'].pk}/keep/", follow=True)
    assert kept.redirect_chain == [("/checkout/", 302)]


def test_somebody_elses_quote_does_not_exist_for_any_of_it(client, alice, bob, mug, now):
    quote = quote_for(alice, mug, now=now)
    client.force_login(bob)
    for what in ("price", "keep", "place", "cancel"):
        answer = client.post(f"/checkout/{quote.pk}/{what}/", _fields(alice, quote), headers=JSON)
        assert answer.status_code == 404, what
        assert str(quote.total_minor) not in answer.text
    assert Quote.objects.get().state == Quote.State.OPEN


def test_codes_can_not_be_guessed_for_ever(browser, alice, mug, now, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }
    quote = quote_for(alice, mug, now=now)
    answers = {
        browser.post(f"/checkout/{quote.pk}/price/", {"voucher": f"G{i}"}, headers=JSON).status_code
        for i in range(21)
    }
    assert answers == {422, 429}


def test_codes_can_not_be_guessed_through_the_api_either(client, alice, mug, now, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }
    quote = quote_for(alice, mug, now=now)
    authorization = f"Bearer {token_for(alice)}"
    answers = [
        client.patch(
            f"/api/v1/quotes/{quote.pk}",
            {"add_voucher": f"G{number}"},
            content_type="application/json",
            headers={"Authorization": authorization, "Idempotency-Key": f"guess-{number:03}"},
        )
        for number in range(21)
    ]
    assert {answer.status_code for answer in answers[:20]} == {422}
    assert (answers[20].status_code, answers[20].json()["code"]) == (429, "too_many")
    assert "Retry-After" in answers[20].headers


def test_programs_get_the_amounts(browser, alice, shop, mug, now):
    sends(shop, IT=490)
    quote = quote_for(alice, mug, now=now)
    answer = browser.post(f"/checkout/{quote.pk}/price/", {}, headers=JSON).json()
    assert (answer["total_minor"], answer["shipping_minor"], answer["country"]) == (2480, 490, "IT")


def test_the_menu_comes_with_the_quote_and_not_in_a_trip_of_its_own(browser, mug, monkeypatch):
    browser.post("/cart/add/", {"sku": mug.pk, "quantity": 3})

    def refuse(*_asked):
        raise AssertionError("the menu was asked for alone")

    monkeypatch.setattr("liveshop.frame.ask", refuse)
    assert re.search(r"data-cart-count>3<", browser.get("/checkout/").text)
    with pytest.raises(AssertionError, match="alone"):
        browser.get("/cart/")


def test_until_when_it_is_kept_is_written_as_templates_do(alice, mug, now):
    shown = shown_quote(quote=quote_for(alice, mug, now=now))
    until = localtime(shown.quote.expires_at)

    assert (shown.kept_until, shown.kept_until_clock) == (date(until, "c"), date(until, "H:i"))
