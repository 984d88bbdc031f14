"""A form's address, opened as a page (a reload, a link, a sign-in that leads back to it)."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/buy/", "/cart/add/", "/cart/lines/1/"])
def test_it_answers_with_a_page_that_leads_on(client, path):
    answer = client.get(path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "<h1>" in answer.text
    assert 'href="/cart/"' in answer.text


def test_programs_get_no_page(client):
    answer = client.get("/buy/", headers={"Accept": "application/json"})

    assert answer.status_code == 405
    assert answer.text == ""


def test_a_browser_is_led_back_to_the_checkout(client, alice):
    client.force_login(alice)
    place = "/checkout/00000000-0000-4000-8000-000000000000/place/"

    answer = client.get(place)

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/checkout/"
