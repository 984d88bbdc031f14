from datetime import timedelta

import pytest

from creators.chat.models import Message, Sanction
from creators.live import services
from creators.live.models import LiveSession, Pin, ShowState
from creators.pieces.models import PieceProduct
from shops.catalog.models import Product


@pytest.fixture
def host(client, bob):
    client.force_login(bob)
    return client


def _post(client, show, name, **fields):
    return client.post(f"/live/{show.pk}/{name}/", fields)


def test_the_host_pins_and_unpins_without_a_script(host, show, product):
    response = _post(host, show, "pin", product=product.pk)
    assert (response.status_code, response["Location"]) == (302, f"/live/{show.pk}/console/")
    assert Pin.objects.get(unpinned_at__isnull=True).product == product
    _post(host, show, "unpin")
    assert not Pin.objects.filter(unpinned_at__isnull=True).exists()


def test_a_script_gets_a_short_answer(host, show, product):
    response = host.post(
        f"/live/{show.pk}/pin/", {"product": product.pk}, headers={"accept": "application/json"}
    )
    assert response.status_code == 204


@pytest.mark.parametrize("value", ["", "0x1", "-3", "9" * 40])
def test_a_pin_of_nothing_sensible_is_not_valid(host, show, value):
    response = host.post(
        f"/live/{show.pk}/pin/", {"product": value}, headers={"accept": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_pin_of_another_shops_product_tells_the_script_why(host, show, foreign_product):
    response = host.post(
        f"/live/{show.pk}/pin/",
        {"product": foreign_product.pk},
        headers={"accept": "application/json"},
    )
    assert (response.status_code, response.json()["code"]) == (409, "not_in_bag")
    assert not Pin.objects.exists()


def test_a_pin_of_an_archived_product_is_told_on_the_page(host, show, product):
    Product.objects.update(status=Product.Status.ARCHIVED)
    response = host.post(
        f"/live/{show.pk}/pin/",
        {"product": product.pk},
        headers={"referer": f"http://testserver/live/{show.pk}/console/"},
        follow=True,
    )
    assert "no longer sold" in response.content.decode()


@pytest.mark.parametrize(
    "name", ["start", "end", "cancel", "pin", "unpin", "bag/add", "bag/remove", "bag/first"]
)
def test_nobody_but_the_host_presses_its_buttons(client, show, alice, product, name):
    client.force_login(alice)
    response = client.post(
        f"/live/{show.pk}/{name}/",
        {"product": product.pk},
        headers={"accept": "application/json"},
    )
    assert (response.status_code, response.json()["code"]) == (403, "not_host")


@pytest.mark.parametrize("name", ["", "bag/", "log/", "addable/"])
def test_the_console_and_its_parts_are_the_hosts_alone(client, show, alice, name):
    url = f"/live/{show.pk}/console/{name}"
    assert client.get(url)["Location"].startswith("/accounts/login/")
    client.force_login(alice)
    assert client.get(url).status_code == 403


def test_the_console_shows_bag_stock_figures_and_history(host, show, bob, product, now):
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    services.unpin(piece_id=show.pk, by=bob, now=now + timedelta(minutes=2))
    page = host.get(f"/live/{show.pk}/console/").content.decode()
    assert "Silk scarf" in page
    assert "€0.00" in page
    assert f"{now:%H:%M:%S}" in page
    assert f"{now + timedelta(minutes=2):%H:%M:%S}" in page
    for part in ("bag", "log", "addable"):
        assert host.get(f"/live/{show.pk}/console/{part}/").status_code == 200


def test_products_of_partners_are_found_added_moved_and_removed(host, show, product, other_product):
    page = host.get(f"/live/{show.pk}/console/addable/?q=linen").content.decode()
    assert "Linen shirt" in page
    _post(host, show, "bag/add", product=other_product.pk)
    _post(host, show, "bag/first", product=other_product.pk)
    shown = PieceProduct.objects.filter(piece=show.piece, removed_at__isnull=True)
    assert shown.order_by("position").first().product == other_product
    _post(host, show, "bag/remove", product=product.pk)
    assert [item.product for item in shown] == [other_product]


def test_the_host_starts_and_ends_a_show(host, bob, show):
    LiveSession.objects.update(state=ShowState.SCHEDULED, started_at=None)
    _post(host, show, "start")
    assert LiveSession.objects.get().is_live
    _post(host, show, "end")
    assert LiveSession.objects.get().is_ended
    assert "Ended" in host.get(f"/live/{show.pk}/console/").content.decode()


def test_the_host_moderates_without_a_script(host, show, alice, now):
    line = Message.objects.create(
        piece=show.piece,
        author=alice,
        client_id="11111111-1111-4111-8111-111111111111",
        body="rude",
        sent_at=now,
    )
    back = f"/live/{show.pk}/console/"
    response = _post(host, show, "moderation/delete", message=line.pk, next=back)
    assert response["Location"] == back
    line.refresh_from_db()
    assert line.deleted_at is not None
    _post(host, show, "moderation/mute", user=alice.pk, next=back)
    assert Sanction.objects.get().user == alice
    assert f'action="/live/{show.pk}/moderation/unmute/"' in host.get(back).content.decode()
    _post(host, show, "moderation/unmute", user=alice.pk, next=back)
    assert Sanction.objects.get().lifted_at is not None


def test_a_form_leads_nowhere_else(host, show, alice, now):
    response = _post(host, show, "moderation/mute", user=alice.pk, next="https://evil.example/")
    assert response["Location"] == f"/live/{show.pk}/moderation/"


def test_a_viewer_does_not_moderate(client, show, alice, erin):
    client.force_login(alice)
    response = client.post(
        f"/live/{show.pk}/moderation/mute/",
        {"user": erin.pk},
        headers={"accept": "application/json"},
    )
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert not Sanction.objects.exists()
