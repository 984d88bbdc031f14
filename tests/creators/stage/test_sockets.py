"""The websockets: who may open them, what they answer, what they refuse, when they close."""

import asyncio
import json
import uuid

import pytest

from creators.audience.models import QualifiedView
from creators.chat.models import Message, Mute
from creators.live import services as live
from creators.stage import desk as desk_module
from creators.stage import publishing, snapshot, sockets, wire
from creators.stage.desk import desk_here
from creators.stage.hub import hub_here
from creators.stage.limits import Buckets, Rate
from creators.stage.rooms import live_room
from shops.checkout import owner as cart_owner
from shops.stock.models import Stock
from shops.stock.services import StockChanged
from tests.creators.stage.conftest import ORIGIN, Communicator, cookie_of, until

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(work, **kwargs):
    return desk_module.in_thread(work, **kwargs)


def path(show):
    return f"/ws/live/{show.pk}/"


# --- The handshake ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
        [],
    ],
    ids=["foreign", "null", "none"],
)
async def test_a_foreign_origin_is_refused(show, headers):
    from liveshop.asgi import application

    communicator = Communicator(application, path(show), headers=headers)
    accepted, _ = await communicator.connect()

    assert not accepted


async def test_another_path_is_refused(show):
    from liveshop.asgi import application

    communicator = Communicator(application, "/ws/else/", headers=[ORIGIN])
    accepted, _ = await communicator.connect()

    assert not accepted


async def test_a_show_that_is_not_there_closes_with_its_own_code(visit):
    page = await visit("/ws/live/999999/")

    assert await page.hear_close() == wire.Close.NO_SUCH_SHOW


async def test_a_guest_without_a_cart_has_nothing_to_follow(visit):
    page = await visit("/ws/me/")

    assert await page.hear_close() == wire.Close.SIGNED_OUT


# --- Snapshots and resuming -------------------------------------------------------------------


async def test_a_guest_gets_the_state_of_the_show(visit, show, product, bob):
    page = await visit(path(show))

    told = await page.hear("snapshot")

    assert told["room"] == "live"
    assert told["state"]["show"]["state"] == "live"
    assert [item["title"] for item in told["state"]["bag"]] == ["Silk scarf"]
    assert told["you"] == {
        "role": "guest",
        "user_id": None,
        "name": "",
        "may_chat": False,
        "muted_until": None,
    }


async def test_a_viewer_gets_the_show_and_their_own_room(visit, show, alice):
    page = await visit(path(show), alice)

    rooms = [(await page.hear("snapshot"))["room"] for _ in range(2)]

    assert rooms == ["live", "me"]
    assert page.seen[-1]["you"]["role"] == "viewer"


async def test_the_host_gets_the_hosts_room_too(visit, show, bob):
    page = await visit(path(show), bob)

    rooms = [(await page.hear("snapshot"))["room"] for _ in range(3)]

    assert rooms == ["live", "host", "me"]
    assert page.seen[-1]["you"]["role"] == "host"


async def test_the_events_of_a_show_reach_its_viewers(visit, show, product, bob, alice, now):
    page = await visit(path(show), alice)
    await page.hear("snapshot")

    pin = await in_thread(live.pin, piece_id=show.pk, product_id=product.pk, by=bob, now=now)

    told = await page.hear_event("pinned")
    assert (told["pin"]["id"], told["pin"]["product_id"]) == (pin.pk, product.pk)


async def test_who_comes_back_gets_exactly_what_was_missed(visit, show, product, bob, alice, now):
    page = await visit(path(show), alice)
    told = [await page.hear("snapshot") for _ in range(2)]
    positions = {one["room"]: {"epoch": one["epoch"], "seq": one["seq"]} for one in told}
    await page.communicator.disconnect()
    pinned = {"piece_id": show.pk, "by": bob, "now": now}
    await in_thread(live.pin, product_id=product.pk, **pinned)
    await in_thread(live.unpin, **pinned)

    back = await visit(path(show), alice, resume=positions)
    events = []
    while not {"pinned", "unpinned"} <= {event["t"] for event in events}:
        frame = await back.hear("frame")
        assert frame["from"] == positions["live"]["seq"] + 1 + len(events)
        events += frame["events"]

    assert not [one for one in back.seen if one.get("t") == "snapshot"]


async def test_a_position_of_a_lost_history_gets_a_snapshot(visit, show, valkey):
    page = await visit(path(show))
    told = await page.hear("snapshot")
    valkey.flushdb()
    await in_thread(publishing.publish, room=live_room(show.pk), events=[counts(7)])
    await page.hear("resync")

    await page.say(t="resume", rooms={"live": {"epoch": told["epoch"], "seq": told["seq"]}})

    fresh = await page.hear("snapshot")
    assert fresh["epoch"] != told["epoch"]


def counts(hearts):
    return wire.Counts(viewers=1, hearts=hearts)


async def test_many_who_come_at_once_cost_one_reading(visit, show, monkeypatch):
    readings = []
    real = snapshot.live_state

    def counted(piece_id, **kwargs):
        readings.append(piece_id)
        return real(piece_id, **kwargs)

    monkeypatch.setattr(snapshot, "live_state", counted)
    pages = await asyncio.gather(*[visit(path(show)) for _ in range(20)])
    for page in pages:
        await page.hear("snapshot")

    assert len(readings) <= 2


async def test_without_valkey_there_is_a_state_and_a_notice(visit, show, monkeypatch):
    hub = hub_here()
    monkeypatch.setattr("creators.stage.hub.OPEN_SECONDS", 0.1)

    async def away(*args, **kwargs):
        raise ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(hub.link, "read", away)
        page = await visit(path(show))
        told = await page.hear("snapshot")
        assert (told["epoch"], told["state"]["show"]["id"]) == ("", show.pk)
        assert (await page.hear("notice"))["kind"] == "degraded"

    assert (await page.hear("notice", seconds=10))["kind"] == "live"
    assert (await page.hear("resync"))["room"] == "live"


# --- Saying things ----------------------------------------------------------------------------


async def test_a_chat_line_reaches_everybody_once(visit, show, alice):
    writer, reader = await visit(path(show), alice), await visit(path(show))
    await reader.hear("snapshot")
    client_id = str(uuid.uuid4())

    await writer.say(t="chat", client_id=client_id, body="Hello <b>you</b>")
    await writer.say(t="chat", client_id=client_id, body="Hello <b>you</b>")

    told = await reader.hear_event("chat")
    assert (told["line"]["body"], told["line"]["author"]) == ("Hello <b>you</b>", "Alice")
    assert await in_thread(Message.objects.count) == 1


async def test_hearts_are_counted(visit, show, alice):
    page = await visit(path(show), alice)
    await page.hear("snapshot")
    await page.say(t="heart", count=3)

    while (await page.hear_event("counts"))["hearts"] != 3:
        pass


async def test_a_ping_is_answered(visit, show):
    page = await visit(path(show))
    await page.say(t="ping")

    assert (await page.hear("pong"))["at"] > 0


@pytest.mark.parametrize(
    "message",
    [
        {"t": "chat", "client_id": str(uuid.uuid4()), "body": "hello"},
        {"t": "heart"},
        {"t": "mute", "user_id": 1},
        {"t": "unmute", "user_id": 1},
        {"t": "delete_message", "message_id": 1},
    ],
    ids=lambda message: message["t"],
)
async def test_a_guest_only_watches(visit, show, message):
    page = await visit(path(show))

    await page.say(**message)

    error = await page.hear("error")
    assert (error["code"], error["re"]) == ("sign_in", message["t"])


async def test_a_viewer_is_not_the_host(visit, show, alice, erin, bob, now):
    line = await in_thread(
        Message.objects.create,
        piece_id=show.pk,
        author=bob,
        client_id=uuid.uuid4(),
        body="Welcome",
        sent_at=now,
    )
    page = await visit(path(show), alice)

    for message in (
        {"t": "mute", "user_id": erin.pk},
        {"t": "unmute", "user_id": erin.pk},
        {"t": "delete_message", "message_id": line.pk},
    ):
        await page.say(**message)
        error = await page.hear("error")
        assert (error["code"], error["re"]) == ("not_allowed", message["t"])

    assert not await in_thread(Mute.objects.exists)
    await in_thread(line.refresh_from_db)
    assert line.deleted_at is None


async def test_a_host_has_no_say_over_another_show(visit, show, bob, now):
    other = await in_thread(make_other_show)
    author = other.piece.creator.user
    line = await in_thread(
        Message.objects.create,
        piece_id=other.pk,
        author=author,
        client_id=uuid.uuid4(),
        body="Mine",
        sent_at=now,
    )
    page = await visit(path(show), bob)
    await page.say(t="delete_message", message_id=line.pk)

    assert (await page.hear("error"))["code"] == "not_found"


def make_other_show():
    from tests.factories.creators import LiveSessionFactory

    return LiveSessionFactory()


async def test_the_host_mutes_and_the_muted_user_is_told_why_and_until_when(
    visit, show, bob, alice
):
    host, viewer = await visit(path(show), bob), await visit(path(show), alice)
    await viewer.hear("snapshot")
    await viewer.hear("snapshot")

    await host.say(t="mute", user_id=alice.pk, seconds=120)

    told = await viewer.hear_event("muted")
    assert told["user_id"] == alice.pk
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="hello?")
    assert (await viewer.hear("error"))["code"] == "muted"
    await host.say(t="unmute", user_id=alice.pk)
    await viewer.hear_event("unmuted")
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="thanks")
    assert (await viewer.hear_event("chat"))["line"]["body"] == "thanks"


async def test_a_mute_is_nobody_elses_business(visit, show, bob, alice, erin):
    host, other = await visit(path(show), bob), await visit(path(show), erin)
    await other.hear("snapshot")
    await other.hear("snapshot")
    await host.say(t="mute", user_id=alice.pk)
    await host.hear_event("muted")
    await other.say(t="chat", client_id=str(uuid.uuid4()), body="what?")
    await other.hear_event("chat")

    frames = [one for one in other.seen if "events" in one]
    assert not [event for frame in frames for event in frame["events"] if event["t"] == "muted"]


async def test_a_deleted_line_is_gone_for_everybody(visit, show, bob, alice):
    host, viewer = await visit(path(show), bob), await visit(path(show), alice)
    await viewer.hear("snapshot")
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="buy elsewhere")
    line = (await viewer.hear_event("chat"))["line"]

    await host.say(t="delete_message", message_id=line["id"])

    assert (await viewer.hear_event("chat_deleted"))["id"] == line["id"]


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "nonsense",
        "[]",
        "null",
        "{}",
        '{"t":"pin","product_id":1}',
        '{"t":"ping","extra":1}',
        '{"t":"chat","client_id":"no","body":"x"}',
        '{"t":"chat","body":"x"}',
        '{"t":"heart","count":0}',
        '{"t":"heart","count":1000000}',
        '{"t":"heart","count":"1"}',
        '{"t":"mute","user_id":1,"seconds":999999999}',
        '{"t":"resume","rooms":{"attic":{"epoch":"x","seq":1}}}',
        '{"t":"resume","rooms":{"live":{"epoch":"x","seq":-1}}}',
        '{"t":"chat","client_id":"\\ud800","body":"x"}',
        "[" * 5000,
    ],
)
async def test_what_is_not_in_the_protocol_is_refused_and_the_socket_goes_on(
    visit, show, alice, text
):
    page = await visit(path(show), alice)

    await page.communicator.send_to(text_data=text)
    error = await page.hear("error")

    assert error["code"] == "bad_message"
    assert error["text"]
    await page.say(t="ping")
    await page.hear("pong")


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "empty_message"), ("  \n ", "empty_message"), ("x" * 301, "message_too_long")],
)
async def test_a_line_that_the_chat_refuses_is_an_error_for_its_sender(
    visit, show, alice, body, code
):
    page = await visit(path(show), alice)
    client_id = str(uuid.uuid4())

    await page.say(t="chat", client_id=client_id, body=body)

    error = await page.hear("error")
    assert (error["code"], error["re"], error["ref"]) == (code, "chat", client_id)


@pytest.mark.parametrize("size", [wire.MAX_INBOUND_BYTES + 1, 1_000_000])
async def test_a_message_that_is_too_large_closes(visit, show, alice, size):
    page = await visit(path(show), alice)

    await page.communicator.send_to(text_data="x" * size)

    assert await page.hear_close() == wire.Close.TOO_LARGE


async def test_a_binary_message_closes(visit, show):
    page = await visit(path(show))

    await page.communicator.send_to(bytes_data=b"\x00\x01")

    assert await page.hear_close() == wire.Close.UNSUPPORTED


async def test_who_says_too_much_is_refused_and_then_closed(visit, show, alice, monkeypatch):
    monkeypatch.setattr(sockets, "MOST_REFUSALS", 5)
    page = await visit(path(show), alice)
    await page.hear("snapshot")
    desk_here().users = Buckets(Rate(burst=3, per_second=0.001))

    for _ in range(12):
        await page.say(t="ping")

    assert (await page.hear("error"))["code"] == "too_many"
    assert await page.hear_close() == wire.Close.TOO_MANY


async def test_an_address_has_a_rate_of_its_own(visit, show):
    page = await visit(path(show))
    await page.hear("snapshot")
    desk_here().addresses = Buckets(Rate(burst=1, per_second=0.001))
    await page.say(t="ping")
    await page.say(t="ping")

    assert (await page.hear("error"))["code"] == "too_many"


async def test_a_refusal_speaks_the_browsers_language(visit, show):
    french = [ORIGIN, (b"accept-language", b"fr-CH, fr;q=0.9")]
    page = await visit(path(show), headers=french)
    await page.hear("snapshot")
    sockets_here = list(desk_here()._sockets)

    assert [socket.language for socket in sockets_here] == ["fr"]
    await page.say(t="heart")
    assert (await page.hear("error"))["code"] == "sign_in"


# --- The end of a session ---------------------------------------------------------------------


async def sign_out(client):
    """Over the real door, as a browser does."""
    await in_thread(client.post, path="/accounts/logout/")


@pytest.mark.parametrize("kind", ["live", "me"])
async def test_signing_out_closes_open_sockets_within_two_seconds(visit, show, alice, kind):
    cookie, client = await in_thread(cookie_of, user=alice)
    page = await visit(path(show) if kind == "live" else "/ws/me/", headers=[ORIGIN, cookie])
    await page.hear("snapshot")

    await sign_out(client)

    assert await page.hear_close(seconds=2) == wire.Close.SIGNED_OUT


async def test_it_does_so_when_the_control_message_is_lost(visit, show, alice):
    cookie, client = await in_thread(cookie_of, user=alice)
    page = await visit(path(show), headers=[ORIGIN, cookie])
    await page.hear("snapshot")
    hub_here().on_control = None

    await sign_out(client)

    assert await page.hear_close(seconds=2.5) == wire.Close.SIGNED_OUT


async def test_a_closed_account_closes_its_sockets(visit, show, alice):
    page = await visit(path(show), alice)
    await page.hear("snapshot")

    alice.is_active = False
    await in_thread(alice.save)

    assert await page.hear_close(seconds=2.5) == wire.Close.SIGNED_OUT


async def test_the_other_sessions_of_the_user_stay(visit, show, alice):
    cookie, client = await in_thread(cookie_of, user=alice)
    page, other = await visit(path(show), headers=[ORIGIN, cookie]), await visit(path(show), alice)
    await other.hear("snapshot")

    await sign_out(client)
    await page.hear_close(seconds=2)

    await asyncio.sleep(2)
    await other.say(t="ping")
    await other.hear("pong")


async def test_a_socket_after_signing_out_is_a_guests(visit, show, alice):
    cookie, client = await in_thread(cookie_of, user=alice)
    await sign_out(client)

    page = await visit(path(show), headers=[ORIGIN, cookie])
    assert (await page.hear("snapshot"))["you"]["role"] == "guest"
    await page.say(t="chat", client_id=str(uuid.uuid4()), body="still me?")
    assert (await page.hear("error"))["code"] == "sign_in"
    own = await visit("/ws/me/", headers=[ORIGIN, cookie])
    assert await own.hear_close() == wire.Close.SIGNED_OUT


# --- Views, stock, carts ----------------------------------------------------------------------


async def test_a_view_counts_after_five_seconds_of_watching_once(visit, show, alice, monkeypatch):
    monkeypatch.setattr(sockets, "QUALIFIED_SECONDS", 0.2)
    page = await visit(path(show), alice)
    await page.say(t="watching")
    await page.say(t="ping")
    await page.hear("pong")
    assert not await in_thread(QualifiedView.objects.exists)

    await asyncio.sleep(0.3)
    for _ in range(3):
        await page.say(t="watching")
    await page.say(t="ping")
    await page.hear("pong")

    assert await in_thread(QualifiedView.objects.count) == 1


async def test_stock_moves_in_every_live_show_that_has_the_product(visit, show, product):
    page = await visit(path(show))
    await page.hear("snapshot")
    sku = await in_thread(product.skus.get)

    await in_thread(move_stock, sku_id=sku.pk)

    told = await page.hear_event("stock")
    assert (told["sku_id"], told["available"], told["rev"]) == (sku.pk, 4, 9)


def move_stock(sku_id):
    from django.db import transaction

    from shops.facts.publishing import publish

    with transaction.atomic():
        stock = Stock.objects.select_related("sku").get(pk=sku_id)
        stock.on_hand, stock.rev = 4, 9
        stock.save()
        publish(
            StockChanged(
                sku_id=sku_id, product_id=stock.sku.product_id, available=4, on_hand=4, rev=9
            )
        )


async def test_a_guests_cart_is_followed_by_its_browser(visit, product):
    from django.test import Client

    def put_in():
        client = Client()
        sku = product.skus.get()
        client.post("/cart/add/", {"sku": sku.pk, "quantity": 1, "next": "/cart/"})
        return client, sku

    client, sku = await in_thread(put_in)
    assert cart_owner.SESSION_KEY in await in_thread(lambda: dict(client.session))
    cookie = (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())
    page = await visit("/ws/me/", headers=[ORIGIN, cookie])
    assert (await page.hear("snapshot"))["state"]["cart"]["units"] == 1

    await in_thread(
        client.post, path="/cart/add/", data={"sku": sku.pk, "quantity": 2, "next": "/cart/"}
    )

    assert (await page.hear_event("cart"))["units"] == 3


# --- Without sockets --------------------------------------------------------------------------


def test_the_same_snapshots_come_over_http(client, show, bob):
    client.force_login(bob)

    answer = client.get(f"/live/{show.pk}/snapshot.json")

    told = json.loads(answer.content)["snapshots"]
    assert [one["room"] for one in told] == ["live", "host", "me"]
    assert answer.headers["Cache-Control"].startswith("max-age=0")
    assert client.get("/live/999999/snapshot.json").status_code == 404


async def test_nobody_stays_when_the_socket_is_gone(visit, show, alice):
    page = await visit(path(show), alice)
    await page.hear("snapshot")
    room = hub_here().rooms[live_room(show.pk)]
    assert len(room.present) == 1

    await page.communicator.disconnect()

    await until(lambda: not room.present)
    assert not desk_here()._sockets
