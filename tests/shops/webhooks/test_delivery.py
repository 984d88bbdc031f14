"""Messages: written once per fact, signed, tried for three days, given up, sent again by hand."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from shops.orders.events import OrderPaid
from shops.webhooks import reactions, sending
from shops.webhooks.models import Attempt, Endpoint, Message, MessageState
from shops.webhooks.services import endpoints, levels, messages
from shops.webhooks.services.messages import PAUSES, Told
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.webhooks import endpoint_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(monkeypatch):
    """What was sent, and what is answered: a status, or 0 for none."""

    class Receiver:
        def __init__(self):
            self.status, self.got = 200, []

        async def send(self, *, url, headers, body, timeout=10.0):
            self.got.append((url, headers, body))
            return sending.Sent(self.status, "answer", "" if self.status else "silence", 7)

    made = Receiver()
    monkeypatch.setattr(sending, "send", made.send)
    return made


def _told(shop, *, source="fact:1", name="order.paid", now):
    return Told(shop_id=shop.pk, source=source, type=name, data={"number": "LS-1"}, at=now)


def _paid(shop, **fields):
    return OrderPaid(
        **{
            "order_id": 1,
            "number": "LS-AAAA-BBBB",
            "purchase_id": "p",
            "buyer_id": 7,
            "shop_id": shop.pk,
            "currency": "EUR",
            "total_minor": 1990,
            "referrals": ["show:1"],
            **fields,
        }
    )


def test_a_fact_becomes_a_message_for_who_asked_for_it(shop, now):
    wanted = endpoint_for(shop, events=["order.*"])
    endpoint_for(shop, events=["payout.changed"])
    endpoint_for(ShopFactory(), events=["order.*"])
    reactions.tell_shop(_paid(shop), event_id=5, now=now)
    [message] = Message.objects.all()
    assert (message.endpoint, message.type) == (wanted, "order.paid")
    body = json.loads(message.body)
    assert body["type"] == "order.paid"
    assert body["data"] == {
        "shop": "carols",
        "number": "LS-AAAA-BBBB",
        "currency": "EUR",
        "total_minor": 1990,
    }


def test_the_same_fact_is_told_once(shop, now):
    endpoint_for(shop, events=["order.*", "payment.*"])
    for _ in range(2):
        reactions.tell_shop(_paid(shop), event_id=5, now=now)
    assert sorted(Message.objects.values_list("type", flat=True)) == [
        "order.paid",
        "payment.captured",
    ]


def test_a_message_is_signed_by_utc(shop, now, receiver):
    endpoint = endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    assert messages.deliver_due(now=now) == 1
    [(url, headers, body)] = receiver.got
    assert url == endpoint.url
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert Webhook(endpoint.secret).verify(body, headers)["data"] == {"number": "LS-1"}
    message = Message.objects.get()
    assert (message.state, headers["webhook-id"]) == ("delivered", message.webhook_id)


def test_a_receiver_gets_it_over_http(shop, now, server, settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    endpoint = endpoint_for(shop, url=server.url)
    server.answer = (202, {}, b"noted")
    reactions.tell_shop(_paid(shop), event_id=1, now=now)
    assert messages.deliver_due(now=now) == 1
    [(_path, headers, body)] = server.got
    assert Webhook(endpoint.secret).verify(body, headers)["type"] == "order.paid"
    [attempt] = Attempt.objects.all()
    assert (attempt.status, attempt.answer, attempt.message.state) == (202, "noted", "delivered")


def test_during_a_rotation_both_secrets_are_good(shop, now, receiver):
    endpoint = endpoint_for(shop)
    old = endpoint.secret
    new = endpoints.rotate_secret(endpoint_id=endpoint.pk, shop=shop, now=now).secret
    messages.tell([_told(shop, now=now)], now=now)
    messages.deliver_due(now=now)
    [(_url, headers, body)] = receiver.got
    assert new != old
    Webhook(old).verify(body, headers)
    Webhook(new).verify(body, headers)


def test_after_a_rotations_overlap_only_the_new_one_signs(shop, now, receiver):
    endpoint = endpoint_for(shop)
    before = now - timedelta(days=2)
    endpoints.rotate_secret(endpoint_id=endpoint.pk, shop=shop, now=before)
    messages.tell([_told(shop, now=now)], now=now)
    messages.deliver_due(now=now)
    [(_url, headers, _body)] = receiver.got
    assert len(headers["webhook-signature"].split()) == 1


def test_who_never_answers_is_tried_for_three_days_and_given_up(shop, now, receiver):
    endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    receiver.status, at = 500, now
    waits = []
    while (due := Message.objects.get().next_attempt_at) is not None:
        waits.append(due - at)
        at = due
        assert messages.deliver_due(now=at) == 1
    message = Message.objects.get()
    assert message.state == MessageState.FAILED
    assert len(receiver.got) == message.attempts.count() == len(PAUSES) + 1
    for wait, pause in zip(waits[1:], PAUSES, strict=True):
        assert 0.9 * pause <= wait <= 1.1 * pause
    assert sum(PAUSES, timedelta()) > timedelta(days=2.9)
    assert {headers["webhook-id"] for _, headers, _ in receiver.got} == {message.webhook_id}
    assert len({body for _, _, body in receiver.got}) == 1


def test_one_that_failed_gets_through_later(shop, now, receiver):
    endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    receiver.status = 503
    messages.deliver_due(now=now)
    assert Endpoint.objects.get().failing_since == now
    receiver.status = 204
    messages.deliver_due(now=now + timedelta(seconds=10))
    assert Message.objects.get().state == MessageState.DELIVERED
    assert Endpoint.objects.get().failing_since is None


def test_while_an_attempt_is_under_way_nobody_else_makes_one(shop, now, receiver):
    endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    [claimed] = messages._claim(now=now)
    assert messages.deliver_due(now=now) == 0
    # Its worker died: another takes it over.
    assert messages.deliver_due(now=now + timedelta(seconds=61)) == 1
    assert claimed.pk == Message.objects.get().pk


def test_one_endpoint_that_is_silent_rests_and_keeps_nobody_waiting(shop, now, receiver):
    endpoint_for(shop, url="https://silent.example.com/")
    messages.tell([_told(shop, source=f"fact:{n}", now=now) for n in range(20)], now=now)
    receiver.status = 0
    assert messages.deliver_due(now=now) == messages.PER_ENDPOINT
    assert messages.deliver_due(now=now + timedelta(seconds=10)) == 0
    assert messages.deliver_due(now=now + timedelta(seconds=61)) == 1


def test_410_switches_an_endpoint_off_and_says_so(client, carol, shop, now, receiver):
    endpoint = endpoint_for(shop)
    messages.tell([_told(shop, now=now), _told(shop, source="fact:2", now=now)], now=now)
    receiver.status = 410
    messages.deliver_due(now=now)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "gone")
    assert not Message.objects.filter(state=MessageState.PENDING).exists()
    assert messages.tell([_told(shop, source="fact:3", now=now)], now=now) == 0
    client.force_login(carol)
    page = client.get(f"/seller/carols/webhooks/{endpoint.pk}/").content.decode()
    assert "gone (410)" in page


def test_five_days_of_failure_switch_an_endpoint_off(shop, now, receiver):
    endpoint = endpoint_for(shop)
    receiver.status = 500
    for day in range(6):
        at = now + timedelta(days=day)
        messages.tell([_told(shop, source=f"fact:{day}", now=at)], now=at)
        endpoint.refresh_from_db()
        assert endpoint.is_enabled
        messages.deliver_due(now=at)
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "failing"


def test_a_replay_sends_the_same_message_again(client, carol, shop, now, receiver):
    endpoint = endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    messages.deliver_due(now=now)
    message = Message.objects.get()
    client.force_login(carol)
    answer = client.post(f"/seller/carols/webhooks/messages/{message.pk}/replay/", follow=True)
    assert "sent again" in answer.content.decode()
    messages.deliver_due(now=datetime.now(UTC))
    first, second = receiver.got
    assert (first[1]["webhook-id"], first[2]) == (second[1]["webhook-id"], second[2])
    assert list(Attempt.objects.order_by("pk").values_list("is_by_hand", flat=True)) == [
        False,
        True,
    ]
    endpoints.disable(endpoint_id=endpoint.pk, shop=shop, now=now)
    with pytest.raises(messages.EndpointIsOff):
        messages.replay(message_id=message.pk, shop=shop, now=now)


def test_a_test_event_goes_to_who_asked_for_something_else(client, carol, shop, now, receiver):
    endpoint = endpoint_for(shop, events=["payout.changed"])
    client.force_login(carol)
    page = client.post(f"/seller/carols/webhooks/{endpoint.pk}/test/", follow=True)
    assert "webhook.test" in page.content.decode()
    messages.deliver_due(now=datetime.now(UTC))
    assert json.loads(receiver.got[0][2])["type"] == "webhook.test"
    log = client.get(f"/seller/carols/webhooks/messages/{Message.objects.get().pk}/")
    assert "webhook-signature" in log.content.decode()
    assert "answer" in log.content.decode()


def test_levels_are_told_once_and_only_what_changed(shop, now):
    still, moved = (SkuFactory(product=ProductFactory(shop=shop)) for _ in range(2))
    elsewhere = SkuFactory()
    endpoint_for(shop, events=["stock.*"])
    assert levels.tell_levels(now=now) == 0
    for sku in (moved, elsewhere):
        type(sku.stock).objects.filter(pk=sku.pk).update(reserved=3, rev=9)
    assert levels.tell_levels(now=now) == 1
    assert levels.tell_levels(now=now + timedelta(minutes=1)) == 0
    [level] = json.loads(Message.objects.get().body)["data"]["skus"]
    assert level == {
        "sku_id": moved.pk,
        "code": moved.code,
        "on_hand": 10,
        "reserved": 3,
        "available": 7,
        "rev": 9,
    }
    assert still.pk != level["sku_id"]


def test_no_message_says_who_the_buyer_is(shop, now, alice):
    endpoint_for(shop, events=["order.*", "payment.*"])
    reactions.tell_shop(_paid(shop, buyer_id=alice.pk), event_id=1, now=now)
    for message in Message.objects.all():
        assert not {"buyer_id", "address", "referrals"} & set(json.loads(message.body)["data"])


@pytest.mark.parametrize("kind", reactions._OF_ORDERS, ids=lambda kind: kind.__name__)
def test_every_fact_of_an_order_is_told_as_what_is_offered(kind):
    from liveshop.wiring import TABLE
    from shops.webhooks.types import TYPES

    assert set(reactions._OF_ORDERS[kind]) <= set(TYPES)
    assert "shops.webhooks.reactions.tell_shop" in TABLE[kind].must


def test_old_logs_are_forgotten(shop, now, receiver):
    endpoint_for(shop)
    messages.tell([_told(shop, now=now)], now=now)
    messages.deliver_due(now=now)
    assert messages.forget_old(before=now - timedelta(days=30)) == 0
    assert messages.forget_old(before=now + timedelta(days=1)) == 2


def test_pages_of_webhooks_are_for_the_shops_staff(client, alice, shop, now):
    endpoint = endpoint_for(shop)
    client.force_login(alice)
    for path in ("", "new/", f"{endpoint.pk}/", f"{endpoint.pk}/change/", f"{endpoint.pk}/delete/"):
        assert client.get(f"/seller/carols/webhooks/{path}").status_code == 403


def test_a_webhook_is_made_changed_and_deleted_by_its_pages(client, carol, shop):
    client.force_login(carol)
    bad = client.post(
        "/seller/carols/webhooks/new/", {"url": "https://127.0.0.1/", "events": ["order.paid"]}
    )
    assert (bad.status_code, Endpoint.objects.count()) == (400, 0)
    made = client.post(
        "/seller/carols/webhooks/new/",
        {"url": "https://hooks.example.com/", "events": ["order.paid", "stock.changed"]},
    )
    endpoint = Endpoint.objects.get()
    assert made.status_code == 302
    path = f"/seller/carols/webhooks/{endpoint.pk}/"
    client.post(path + "change/", {"url": "https://new.example.com/", "events": ["order.paid"]})
    client.post(path + "switch/", {"to": "off"})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.is_enabled) == ("https://new.example.com/", False)
    assert "Switched off by you" in client.get(path).content.decode()
    client.post(path + "switch/", {"to": "on"})
    client.post(path + "rotate/")
    assert endpoint.secret not in client.get(path).content.decode()
    client.post(path + "delete/")
    assert not Endpoint.objects.exists()
