from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client

from creators.audience.models import ProductClick
from creators.chat.models import Message
from creators.chat.moderation.sanctions import mute
from creators.live import services
from creators.live.models import LiveSession, ShowState
from shops.checkout.models import CartLine
from shops.stock.models import Stock
from tests.factories.catalog import SkuFactory


def _page(client, show):
    response = client.get(f"/live/{show.pk}/")
    assert response.status_code == 200
    return response.content.decode()


class _Forms(HTMLParser):
    """Collects the forms of a page with their fields, as a browser without scripts would."""

    def __init__(self):
        super().__init__()
        self.found = []
        self._select = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.found.append({"action": attributes.get("action"), "fields": {}})
        if not self.found:
            return
        fields = self.found[-1]["fields"]
        if tag == "input" and "name" in attributes:
            fields[attributes["name"]] = attributes.get("value", "")
        if tag == "select":
            self._select = attributes["name"]
        is_choice = tag == "option" and self._select and "disabled" not in attributes
        if is_choice and ("selected" in attributes or self._select not in fields):
            fields[self._select] = attributes["value"]


def _form(page, action):
    parser = _Forms()
    parser.feed(page.partition("<template")[0])
    return next(form["fields"] for form in parser.found if form["action"] == action)


def test_a_guest_sees_the_show_its_pin_its_bag_and_its_chat(
    client, show, bob, alice, product, other_product, now
):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    Message.objects.create(
        piece=show.piece,
        author=alice,
        client_id="11111111-1111-4111-8111-111111111111",
        body="Is it <b>silk</b>?",
        sent_at=now,
    )
    page = _page(client, show)
    assert show.piece.title in page
    assert "Silk scarf" in page
    assert "Linen shirt" in page
    assert "€19.90" in page
    assert "10 left" in page
    assert "Is it &lt;b&gt;silk&lt;/b&gt;?" in page
    assert "<b>silk</b>" not in page
    assert "Sign in to chat" in page


def test_without_a_script_the_pinned_product_goes_into_the_cart_with_its_referral(
    client, show, bob, product, now
):
    pin = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    fields = _form(_page(client, show), "/cart/add/")
    assert fields["next"] == f"/live/{show.pk}/"
    assert f".{bob.creator.pk}.{pin.pk}." in fields["referral"]
    response = client.post("/cart/add/", fields)
    assert (response.status_code, response["Location"]) == (302, f"/live/{show.pk}/")
    line = CartLine.objects.get()
    assert (line.sku.product_id, line.quantity, line.referral) == (
        product.pk,
        1,
        fields["referral"],
    )


def test_of_several_options_the_first_that_is_left_is_chosen(client, show, bob, product, now):
    Stock.objects.filter(sku__product=product).update(on_hand=0)
    blue = SkuFactory(product=product, options=["blue"], position=2)
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert _form(_page(client, show), "/cart/add/")["sku"] == str(blue.pk)


def test_a_sold_out_pin_can_not_be_bought(client, show, bob, product, now):
    Stock.objects.filter(sku__product=product).update(on_hand=0)
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    page = _page(client, show)
    assert "Sold out" in page
    assert page.partition("<template")[0].count("data-buy disabled") == 2


def test_without_a_script_a_viewer_chats_by_a_form(client, show, alice):
    client.force_login(alice)
    fields = _form(_page(client, show), f"/live/{show.pk}/chat/")
    response = client.post(f"/live/{show.pk}/chat/", {**fields, "body": "hello bob"})
    assert (response.status_code, response["Location"]) == (302, f"/live/{show.pk}/")
    assert Message.objects.get().body == "hello bob"
    client.post(f"/live/{show.pk}/chat/", {**fields, "body": "hello bob"})
    assert Message.objects.count() == 1
    assert "hello bob" in _page(client, show)


@pytest.mark.parametrize(
    ("body", "said"),
    [("", "Write something first."), ("x" * 301, "300 characters at most")],
)
def test_a_line_that_is_refused_says_why_on_the_page(client, show, alice, body, said):
    client.force_login(alice)
    fields = _form(_page(client, show), f"/live/{show.pk}/chat/")
    response = client.post(
        f"/live/{show.pk}/chat/",
        {**fields, "body": body},
        headers={"referer": f"http://testserver/live/{show.pk}/"},
        follow=True,
    )
    assert said in response.content.decode()
    assert not Message.objects.exists()


def test_a_guest_is_sent_to_sign_in_before_chatting(client, show):
    response = client.post(f"/live/{show.pk}/chat/", {"body": "hi"})
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_line_without_a_client_id_is_not_valid(client, show, alice):
    client.force_login(alice)
    url = f"/live/{show.pk}/chat/"
    response = client.post(
        url, {"body": "hi", "client_id": "1"}, headers={"accept": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_muted_viewer_reads_until_when(client, show, alice, bob, now):
    muted = mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    client.force_login(alice)
    assert f"muted here until {muted.until:%H:%M}" in _page(client, show)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ShowState.SCHEDULED, "Starts in"),
        (ShowState.ENDED, "The show has ended"),
        (ShowState.CANCELLED, "The show was cancelled"),
    ],
)
def test_a_show_that_is_not_live_says_so(client, show, alice, state, said, now):
    LiveSession.objects.update(state=state, scheduled_at=now + timedelta(hours=1))
    client.force_login(alice)
    assert said in _page(client, show)


def test_a_show_that_does_not_exist_is_not_found(client, db):
    assert client.get("/live/999999/").status_code == 404


def test_opening_a_product_is_counted_once(client, show, product):
    _page(client, show)
    for _ in range(2):
        response = client.post(f"/live/{show.pk}/click/", {"product": product.pk})
        assert response.status_code == 204
    click = ProductClick.objects.get()
    assert click.viewer.startswith("a:")


def test_what_a_guest_does_at_once_stays_in_one_session(client, show, product):
    add = ("/cart/add/", {"sku": product.skus.get().pk})
    click = (f"/live/{show.pk}/click/", {"product": product.pk})
    _page(client, show)
    answers = []
    for path, fields in (add, click):
        # Both leave before either is answered: each knows only the cookies of the page.
        browser = Client()
        browser.cookies.update(client.cookies)
        answers.append(browser.post(path, fields))
    for answer in answers:
        client.cookies.update(answer.cookies)
    client.post(*add)
    assert CartLine.objects.get().quantity == 2


def test_a_click_begins_no_session(client, show, product):
    answer = client.post(f"/live/{show.pk}/click/", {"product": product.pk})
    assert answer.status_code == 204
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
    assert not ProductClick.objects.exists()


@pytest.mark.parametrize("value", ["", "-1", "x", "9" * 30])
def test_an_odd_click_is_not_valid(client, show, value):
    response = client.post(
        f"/live/{show.pk}/click/", {"product": value}, headers={"accept": "application/json"}
    )
    assert response.status_code == 400


def test_the_page_takes_as_many_queries_for_ten_products_as_for_two(
    client, show, shop, bob, django_assert_max_num_queries, now
):
    for _ in range(9):
        sku = SkuFactory(product__shop=shop)
        services.add_to_bag(piece_id=show.pk, product_id=sku.product_id, by=bob, now=now)
    _page(client, show)
    with django_assert_max_num_queries(16):
        _page(client, show)


def test_there_is_no_inline_script_style_or_handler(client, show, bob, product, now):
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    client.force_login(bob)
    for url in (f"/live/{show.pk}/", f"/live/{show.pk}/console/"):
        page = client.get(url).content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert all("src=" in tag.partition(">")[0] for tag in page.split("<script")[1:])
