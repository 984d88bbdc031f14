"""Each page that changes something of the trade is safe to send twice, and is known how."""

import inspect

import pytest
from django.urls import URLPattern

from shops.checkout import urls as checkout
from shops.orders import urls as orders
from shops.payments import urls as payments
from shops.returns import urls as returns

# By an Idempotency-Key, of the form or of the header ("add" takes a program's: each press of its
# button is a wish of its own).
KEYED = {
    "checkout:add", "checkout:place", "checkout:pay", "checkout:cancel_order",
    "checkout:refund_order",
    "orders:received", "orders:ship", "orders:pack",
    "payments:abandon", "payments:capture", "payments:void",
    "returns:new", "returns:send", "returns:cancel", "returns:dispute", "returns:say",
    "returns:withdraw", "returns:approve", "returns:reject", "returns:receive", "returns:refund",
    "returns:answer", "returns:desk_say", "returns:decide", "returns:try_again",
}  # fmt: skip
# They set what was asked for, so that twice is once; or what they name works once.
SET = {
    "checkout:line", "checkout:buy", "checkout:keep_cart", "checkout:deliver_to", "checkout:price",
    "checkout:keep_quote", "checkout:cancel_quote",
    "checkout:guest", "checkout:guest_link", "checkout:order_link",
    "orders:parcel", "orders:correct_parcel", "orders:slips",
}  # fmt: skip
# Signed messages with an id, or of states that never go back.
SIGNED = {"orders:carrier_events", "payments:sandbox_webhook", "payments:stripe_webhook"}
_HOW = ("with_key(", "once(", "_do(", "_ship(", "_once(")


def _doors():
    for room in (checkout, orders, payments, returns):
        for pattern in room.urlpatterns:
            assert isinstance(pattern, URLPattern)
            yield f"{room.app_name}:{pattern.name}", pattern


def _args(pattern):
    fill = {"uuid": "6f1c9c1e-0a51-4a4f-9a37-0d4f7d6f1f11", "int": 1, "slug": "x", "str": "x"}
    converters = pattern.pattern.converters
    return {name: kind.to_python(str(fill[_kind(kind)])) for name, kind in converters.items()}


def _kind(converter):
    return type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")


@pytest.mark.django_db
def test_every_page_that_changes_something_is_known_to_be_safe_twice(rf, alice):
    changing = set()
    for name, pattern in _doors():
        request = rf.post("/")
        request.user, request.session = alice, {}
        try:
            status = pattern.callback(request, **_args(pattern)).status_code
        except Exception:  # it went further than to refuse the method
            status = 0
        if status != 405:
            changing.add(name)
    assert changing == KEYED | SET | SIGNED


@pytest.mark.parametrize("name", sorted(KEYED))
def test_who_is_said_to_ask_for_a_key_asks_for_one(name):
    [view] = [pattern.callback for known, pattern in _doors() if known == name]
    source = inspect.getsource(inspect.unwrap(view))
    assert any(how in source for how in _HOW), source
