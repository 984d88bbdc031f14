"""The API as a whole: who may ask what, what needs a key, and what its document says."""

import json
import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from liveshop.api_document import document
from shops.facts.idempotency import fingerprint
from shops.facts.models import IdempotencyKey
from shops.orders.models import Order
from tests.factories.api import SECRETS, bodies, everything
from tests.factories.catalog import ShopFactory, ShopStaffFactory
from tests.factories.webhooks import bearer, token_for
from tests.shops.checkout.conftest import Provider

pytestmark = pytest.mark.django_db

OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
}
WITH_IDS = [
    name
    for name, (_method, path, operation) in OPERATIONS.items()
    if "{" in path and operation.get("security")
]
# Said twice they are the same as once, or guarded by what they name.
NEED_NO_KEY = {"change_webhook", "delete_webhook", "enable_webhook", "disable_webhook"}


@pytest.fixture
def provider(monkeypatch):
    from shops.payments import providers

    fake = Provider()
    monkeypatch.setattr(providers, "provider_of", lambda name: fake)
    return fake


@pytest.fixture
def world(alice, shop, now, provider):
    return everything(alice, shop, now=now)


@contextmanager
def _undone():
    """Let what a request does be as if it had not been; tables are tried on one world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _ask(client, name, world, *, key="", **options):
    method, path, _operation = OPERATIONS[name]
    for parameter in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{parameter}}}", str(world[parameter]))
    body = bodies(world).get(name)
    headers = {**options.pop("headers", {}), **({"Idempotency-Key": key} if key else {})}
    data = {"data": json.dumps(body)} if body is not None else {}
    with _undone():
        return client.generic(
            method.upper(), path, **data, content_type="application/json", headers=headers
        )


def _key():
    return uuid.uuid4().hex


def _given_away(answer, status=(403, 404)):
    """Say what is wrong with an answer to somebody whom it is none of their business."""
    text = answer.content.decode()
    if answer.status_code not in status:
        return f"{answer.status_code} {text}"
    if answer.headers["Content-Type"] != "application/problem+json":
        return answer.headers["Content-Type"]
    return ", ".join(word for word in SECRETS if word in text)


def test_ids_of_others_open_nothing(client, erin, dave, world):
    other = ShopFactory(slug="other")
    ShopStaffFactory(shop=other, user=dave)
    elsewhere = {**world, "shop": "other"}
    hers, theirs = bearer(token_for(erin)), bearer(token_for(dave, shop=other))
    wrong = {}
    for name in WITH_IDS:
        path = OPERATIONS[name][1]
        client.force_login(erin)
        wrong[name, "session"] = _given_away(_ask(client, name, world, key=_key()))
        client.logout()
        wrong[name, "nobody"] = _given_away(_ask(client, name, world, key=_key()), (401,))
        wrong[name, "token"] = _given_away(_ask(client, name, world, key=_key(), **hers))
        wrong[name, "shop"] = _given_away(_ask(client, name, world, key=_key(), **theirs))
        if path.count("{") > 1 and "{shop}" in path:
            answer = _ask(client, name, elsewhere, key=_key(), **theirs)
            wrong[name, "in another shop"] = _given_away(answer)
    assert {case: what for case, what in wrong.items() if what} == {}
    assert len(WITH_IDS) > 40


def test_whose_the_ids_are_gets_an_answer(client, alice, carol, world):
    """The control of the test above: strangers were refused as strangers, not for their bodies."""
    wrong = {}
    for name in WITH_IDS:
        client.force_login(carol if "{shop}" in OPERATIONS[name][1] else alice)
        answer = _ask(client, name, world, key=_key())
        if not (answer.status_code < 300 or answer.status_code in (409, 422)):
            wrong[name] = f"{answer.status_code} {answer.content.decode()}"
    # There is no dispute.
    assert set(wrong) == {"answer_dispute"}, wrong


def test_a_token_without_the_scope_is_refused(client, alice, carol, shop, world):
    wrong = {}
    for name, (_method, path, operation) in OPERATIONS.items():
        if not operation.get("security"):
            continue
        scope = re.search(r"scope `([a-z:]+)`", operation["description"])[1]
        is_of_shop = "{shop}" in path
        others = ["stock:read", "payouts:read"] if is_of_shop else ["cart:read", "tokens:read"]
        token = token_for(
            carol if is_of_shop else alice,
            shop=shop if is_of_shop else None,
            scopes=[one for one in others if one != scope][:1],
        )
        with _undone():
            answer = _ask(client, name, world, key=_key(), **bearer(token))
        if (answer.status_code, answer.json()["code"]) != (403, "permission_denied"):
            wrong[name] = answer.content
        token_of = (carol if is_of_shop else alice).api_tokens.latest("pk")
        token_of.delete()
    assert wrong == {}


def test_what_changes_something_needs_a_key(client, alice, carol, world):
    wrong = {}
    for name, (method, path, operation) in OPERATIONS.items():
        if method == "get":
            continue
        if name in NEED_NO_KEY:
            assert "Idempotency-Key" not in str(operation["parameters"])
            continue
        client.force_login(carol if "{shop}" in path else alice)
        answer = _ask(client, name, world)
        if (answer.status_code, answer.json()["code"]) != (400, "idempotency_key_missing"):
            wrong[name] = answer.content
    assert wrong == {}


ONCE = [
    "add_to_cart", "start_quote", "place_order", "cancel_order", "request_return",
    "receive_stock", "refund_order", "ship", "refund_return", "test_webhook",
]  # fmt: skip


@pytest.mark.parametrize("name", ONCE)
def test_the_same_key_has_one_effect_and_one_answer(client, alice, carol, world, name):
    method, path, operation = OPERATIONS[name]
    if name == "request_return":
        world["number"] = world["delivered_number"]
    if name == "cancel_order":
        world["number"] = world["unpaid_number"]
        alice.purchases.get(orders__number=world["number"]).payments.update(state="failed")
    for parameter in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{parameter}}}", str(world[parameter]))
    client.force_login(carol if path.startswith("/api/v1/shops/") else alice)

    def ask(body):
        return client.generic(
            method.upper(),
            path,
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Idempotency-Key": "once-only"},
        )

    body = bodies(world).get(name)
    first = ask(body)
    assert first.status_code < 300, first.content
    for _ in range(2):
        again = ask(body)
        assert (again.status_code, again.content) == (first.status_code, first.content)
    if operation.get("requestBody"):
        other = ask({**body, "more": 1})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_units_that_came_in_are_counted_once(client, carol, world):
    """The control of the test above: without the same key, the same request has its effect anew."""
    client.force_login(carol)
    address = f"/api/v1/shops/carols/stock/{world['sku_id']}/receive"
    for key, on_hand in (("first-key", 55), ("first-key", 55), ("second-key", 60)):
        answer = client.post(
            address, {"quantity": 5}, "application/json", headers={"Idempotency-Key": key}
        )
        assert answer.json()["on_hand"] == on_hand


def test_from_the_cart_to_the_paid_order(client, alice, shop, world, provider):
    token = bearer(token_for(alice))["headers"]

    def post(path, body, key):
        return client.post(
            f"/api/v1/{path}",
            body,
            "application/json",
            headers={**token, "Idempotency-Key": key},
        )

    quote = post("quotes", {"country": "IT"}, "quote-01").json()
    placed = post(
        f"quotes/{quote['id']}/order",
        {
            "address": world["address"],
            "card_token": "tok_success",
            "signature": quote["signature"],
        },
        "order-01",
    )
    assert placed.status_code == 201, placed.content
    [number] = placed.json()["orders"]
    order = client.get(f"/api/v1/orders/{number}", headers=token).json()
    assert (order["state"], order["payment"]["state"]) == ("awaiting_shipment", "captured")
    assert order["total_minor"] == quote["total_minor"] == placed.json()["total_minor"]
    listed = client.get("/api/v1/orders?limit=1", headers=token).json()
    assert listed["results"][0]["number"] == number
    more = client.get(f"/api/v1/orders?limit=1&cursor={listed['next']}", headers=token).json()
    assert more["results"][0]["number"] != number


def test_an_order_that_its_buyer_may_take_back_has_no_address_for_the_shop(
    client, carol, alice, shop, world
):

    number = world["number"]
    token = bearer(token_for(carol, shop=shop))
    address = f"/api/v1/shops/carols/orders/{number}"
    assert client.get(address, **token).json()["address"]["city"] == "Roma"
    Order.objects.filter(number=number).update(state="on_hold", released_at=None)
    assert client.get(address, **token).json()["address"] == {}


def test_pages_of_a_list_show_everything_once(client, carol, shop, world):
    token = bearer(token_for(carol, shop=shop))
    for path in ("orders", "stock", "returns", f"stock/{world['sku_id']}/movements"):
        whole = client.get(f"/api/v1/shops/carols/{path}", **token).json()
        assert whole["next"] is None
        seen, more = [], "limit=1"
        while more:
            page = client.get(f"/api/v1/shops/carols/{path}?{more}", **token).json()
            seen += page["results"]
            more = page["next"] and f"limit=1&cursor={page['next']}"
        assert seen == whole["results"]
        assert len(seen) > (path == "orders")


@pytest.mark.parametrize(
    "cursor", ["x", "MQ", "fDE2OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é", "%00", "fA"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(client, alice, cursor):
    client.force_login(alice)
    for path in ("orders", "returns", "tokens"):
        assert client.get(f"/api/v1/{path}?cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v1/products/x", "/api/v1/quotes/1", "/api/v1/quotes/%0A.", "/api/v2"],
)
def test_what_is_not_there_is_answered_in_the_apis_way(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "null", "[" * 100_000, '{"sku_id": 1e400}', '{"sku_id": ' + "9" * 5000 + "}",
     '{"sku_id": "\\u0000"}', '{"sku_id": 1, "x": "\\ud800"}', "\x00", '{"sku_id": NaN}'],
    ids=["broken", "list", "null", "deep", "float", "digits", "nul", "surrogate", "byte", "nan"],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused(client, alice, body):
    client.force_login(alice)
    answer = client.generic(
        "POST", "/api/v1/cart/lines", body, content_type="application/json",
        headers={"Idempotency-Key": "nonsense"},
    )  # fmt: skip
    assert answer.status_code in (400, 404)
    assert answer.json()["code"]


def test_a_refusal_that_may_pass_says_when(client, alice, now):

    client.force_login(alice)
    body = {"sku_id": 1}
    IdempotencyKey.objects.create(
        scope=f"cart-POST:{alice.pk}",
        key="under-way",
        fingerprint=fingerprint(
            {"path": "/api/v1/cart/lines", "body": json.dumps(body, sort_keys=True)}
        ),
        leased_until=now + timedelta(seconds=30),
    )
    answer = client.post(
        "/api/v1/cart/lines", body, "application/json", headers={"Idempotency-Key": "under-way"}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


def test_the_document_is_served_and_what_is_committed_is_not_stale(client, tmp_path):
    call_command("openapi", check=True)
    stale = tmp_path / "openapi.yaml"
    stale.write_text("openapi: 3.1.0\n")
    with pytest.raises(CommandError, match="stale"):
        call_command("openapi", check=True, output=stale)
    answer = client.get("/api/openapi.yaml")
    assert answer.headers["Content-Type"] == "application/yaml; charset=utf-8"
    assert "openapi: 3.1.0" in answer.content.decode()


def test_the_document_can_be_read_as_a_page(client):
    page = client.get("/api/").content.decode()
    for name in ("place-order", "ship", "shape-OrderDetailOut"):
        assert f'id="{name}"' in page
