"""The seller's stock: what there is, recomputed; every movement; deliveries and corrections."""

import csv

import pytest

from shops.stock.models import Mode, ReservationPolicy, Stock, StockMovement
from shops.stock.queries import policies_of
from shops.stock.services import receive
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory
from tests.factories.stock import keep, order, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def sku(shop):
    return SkuFactory(
        product__shop=shop, product__title="Teapot", code="TEA-1", on_hand=9, options=[]
    )


@pytest.fixture
def book(shop, sku):
    return f"/seller/{shop.slug}/stock/{sku.pk}/"


@pytest.fixture
def seller(client, carol):
    client.force_login(carol)
    return client


def text(answer):
    return answer.content.decode()


def on_hand(sku):
    return Stock.objects.get(sku=sku).on_hand


ACTIONS = {
    "receive": {"delivery-quantity": "3"},
    "correct": {"correction-seen": "9", "correction-on_hand": "1", "correction-reason": "x"},
    "policy": {"policy-mode": "first_paid"},
}


@pytest.mark.parametrize("who", ["alice", "bob", "erin"])
def test_others_are_refused_everywhere(client, request, shop, sku, book, who):
    client.force_login(request.getfixturevalue(who))
    movement = StockMovement.objects.get()

    assert client.get(f"/seller/{shop.slug}/stock/").status_code == 403
    assert client.get(book).status_code == 403
    assert client.get(f"{book}movements.csv").status_code == 403
    for action, fields in ACTIONS.items():
        assert client.post(f"{book}{action}/", fields).status_code == 403
    assert client.post(f"{book}movements/{movement.pk}/undo/").status_code == 403
    assert on_hand(sku) == 9
    assert not ReservationPolicy.objects.exists()


def test_another_shops_sku_is_not_there(seller, shop):
    foreign = SkuFactory(on_hand=5)
    address = f"/seller/{shop.slug}/stock/{foreign.pk}/"

    assert seller.get(address).status_code == 404
    for action, fields in ACTIONS.items():
        assert seller.post(f"{address}{action}/", fields).status_code == 404
    assert on_hand(foreign) == 5


def test_a_movement_of_another_shop_cannot_be_undone_through_ones_own(seller, sku, book, now):
    foreign = SkuFactory(on_hand=5)
    receive(sku_id=foreign.pk, quantity=3, now=now)
    movement = StockMovement.objects.get(sku=foreign, kind="received")

    assert seller.post(f"{book}movements/{movement.pk}/undo/").status_code == 404
    assert on_hand(foreign) == 8


def test_on_hand_is_available_and_held_and_ordered(seller, shop, sku, book):
    keep(sku, 2)
    order(sku, 3)

    shown = seller.get(book)

    figures = shown.context["book"].stock
    assert (figures.on_hand, figures.available, figures.held, figures.committed) == (9, 4, 2, 3)
    assert "All movements below, added up, make these figures." in text(shown)
    [row] = seller.get(f"/seller/{shop.slug}/stock/").context["rows"]
    assert row.book == shown.context["book"]


@pytest.mark.parametrize("change", [{"on_hand": 8}, {"reserved": 1}], ids=str)
def test_it_says_so_when_the_movements_add_up_to_something_else(seller, shop, sku, book, change):
    Stock.objects.filter(sku=sku).update(**change)

    assert "The movements add up to something else: 9 on hand" in text(seller.get(book))
    assert "Does not add up" in text(seller.get(f"/seller/{shop.slug}/stock/"))


def test_a_delivery_is_written_down_with_who_and_why(seller, sku, book, carol):
    answer = seller.post(
        f"{book}receive/", {"delivery-quantity": "3", "delivery-reason": "Note 12"}
    )

    assert answer.url == book
    movement = StockMovement.objects.latest("id")
    assert (movement.kind, movement.actor, movement.reason) == ("received", carol, "Note 12")
    shown = text(seller.get(book))
    assert "Note 12" in shown
    assert "+3" in shown


@pytest.mark.parametrize("units", ["0", "-1", "1.5", "many", "", "1000000000", "999999"])
def test_a_delivery_of_nonsense_is_shown_with_what_was_typed(seller, sku, book, units):
    answer = seller.post(
        f"{book}receive/", {"delivery-quantity": units, "delivery-reason": "Note <12>"}
    )

    assert answer.status_code == 422
    assert "field__error" in text(answer)
    assert "Note &lt;12&gt;" in text(answer)
    assert on_hand(sku) == 9


def correct(seller, book, *, seen=9, to=4, reason="Counted"):
    return seller.post(
        f"{book}correct/",
        {"correction-seen": seen, "correction-on_hand": to, "correction-reason": reason},
    )


def test_a_correction_needs_a_reason(seller, sku, book):
    assert correct(seller, book, reason="").status_code == 422
    assert on_hand(sku) == 9


def test_a_correction_of_what_has_moved_meanwhile_asks_to_look_again(seller, sku, book, now):
    receive(sku_id=sku.pk, quantity=2, now=now)

    answer = correct(seller, book, seen=9, to=4)

    assert answer.status_code == 422
    assert "Meanwhile units came or went" in text(answer)
    assert 'name="correction-seen" value="11"' in text(answer)
    assert on_hand(sku) == 11


def test_never_below_what_is_reserved(seller, sku, book):
    order(sku, 5)

    assert "More units are reserved" in text(correct(seller, book, to=4))
    assert on_hand(sku) == 9


def test_a_correction_and_its_undo(seller, sku, book):
    assert correct(seller, book, to=4).url == book
    movement = StockMovement.objects.latest("id")

    shown = seller.post(f"{book}movements/{movement.pk}/undo/", follow=True)

    assert on_hand(sku) == 9
    assert f"Undoes no. {movement.pk}" in text(shown)
    assert seller.post(f"{book}movements/{movement.pk}/undo/").status_code == 409
    assert on_hand(sku) == 9


def test_only_what_was_done_by_hand_offers_to_be_undone(seller, sku, book, now):
    receive(sku_id=sku.pk, quantity=2, now=now)
    order(sku)

    page = seller.get(book).context["page"]

    assert {row.kind: row.can_undo for row in page} == {
        "opening": False,
        "received": True,
        "held": False,
        "committed": False,
    }


def test_movements_are_filtered_by_kind_and_by_who_or_why(seller, sku, book, carol, now):
    receive(sku_id=sku.pk, quantity=1, now=now, reason="Mill, note 12", actor=carol)
    receive(sku_id=sku.pk, quantity=2, now=now, reason="Mill, note 13")
    order(sku)

    def found(**query):
        return [row.quantity for row in seller.get(book, query).context["page"]]

    assert found(kind="received") == [2, 1]
    assert found(q="note 12") == [1]
    assert found(q="carol") == [1]
    assert found(kind="received", q="mill") == [2, 1]
    assert found(kind="sold") == []
    assert "No movement is like that" in text(seller.get(book, {"kind": "sold"}))
    assert len(found(kind="nonsense")) == 5


def test_movements_as_csv(seller, sku, book, carol, now):
    receive(sku_id=sku.pk, quantity=2, now=now, reason="=1+1", actor=carol)
    order(sku)

    answer = seller.get(f"{book}movements.csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(text(answer).splitlines()))
    assert [row["kind"] for row in rows] == ["committed", "held", "received", "opening"]
    assert sum(int(row["on_hand"]) for row in rows) == 11
    assert (rows[2]["actor"], rows[2]["reason"]) == (carol.email, "'=1+1")
    only = text(seller.get(f"{book}movements.csv", {"kind": "held"}))
    assert len(only.splitlines()) == 2


def test_how_a_product_is_reserved(seller, sku, book):
    fields = {"policy-mode": "cart_hold", "policy-minutes": "5", "policy-most_per_buyer": "2"}

    assert seller.post(f"{book}policy/", fields).url == book

    policy = policies_of(product_ids=[sku.product_id])[sku.product_id]
    assert (policy.mode, policy.hold_seconds, policy.most_per_buyer) == (Mode.CART_HOLD, 300, 2)
    seller.post(f"{book}policy/", {"policy-mode": "first_paid"})
    policy = policies_of(product_ids=[sku.product_id])[sku.product_id]
    assert (policy.mode, policy.hold_seconds, policy.most_per_buyer) == (
        Mode.FIRST_PAID,
        None,
        None,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"policy-mode": "whenever"},
        {"policy-minutes": "16"},
        {"policy-minutes": "0"},
        {"policy-most_per_buyer": "0"},
        {"policy-most_per_buyer": "100"},
    ],
    ids=str,
)
def test_a_policy_out_of_bounds_is_refused(seller, sku, book, fields):
    answer = seller.post(f"{book}policy/", {"policy-mode": "cart_hold", **fields})

    assert answer.status_code == 422
    assert not ReservationPolicy.objects.exists()


def test_without_a_policy_it_is_kept_from_checkout_on(sku, settings):
    policy = policies_of(product_ids=[sku.product_id])[sku.product_id]

    assert (policy.mode, policy.most_per_buyer) == (Mode.CHECKOUT_HOLD, None)
    assert policy.hold_for.total_seconds() == settings.HOLD_SECONDS


def test_who_waits_is_counted(seller, sku, book):
    order(sku, 9)
    wait(UserFactory(), sku)
    wait(UserFactory(), sku)

    assert "2 people wait" in text(seller.get(book))


def test_the_product_table_says_who_set_the_number(seller, shop, sku, carol):
    seller.post(
        f"/seller/{shop.slug}/skus/{sku.pk}/", {"on_hand": "7", "price": "19.90", "was": ""}
    )

    movement = StockMovement.objects.latest("id")
    assert (movement.kind, movement.on_hand, movement.actor) == ("corrected", -2, carol)


def test_queries_do_not_grow_with_skus_or_movements(
    seller, shop, sku, book, now, django_assert_max_num_queries
):
    for _ in range(20):
        SkuFactory(product__shop=shop)
        receive(sku_id=sku.pk, quantity=1, now=now)

    with django_assert_max_num_queries(13):
        seller.get(f"/seller/{shop.slug}/stock/")
    with django_assert_max_num_queries(19):
        seller.get(book)
