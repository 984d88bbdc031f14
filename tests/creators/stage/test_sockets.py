"""The websockets: who may open them, what they are told, when they close."""

import asyncio
import json
import uuid

import pytest

from creators.audience.models import QualifiedView
from creators.live import services as live
from creators.live.events import ShowChanged
from creators.live.models import LiveSession
from creators.stage import publishing, reactions, snapshot, watching, wire
from creators.stage.desk import desk_here, in_thread
from creators.stage.hub import hub_here
from creators.stage.rooms import live_room
from shops.checkout import owner as cart_owner
from shops.stock.events import StockChanged
from shops.stock.models import Stock
from tests.creators.stage.conftest import ORIGIN, Communicator, cookie_of, path
from tests.creators.stage.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


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


async def test_a_private_show_is_not_there_for_a_stranger(visit, show, alice):
    await in_thread(LiveSession.objects.update, visibility="private")
    page = await visit(path(show), alice)

    assert await page.hear_close() == wire.Close.NO_SUCH_SHOW


async def test_when_a_show_becomes_private_its_viewers_come_in_anew(visit, show, alice, bob):
    guest, host = await visit(path(show), alice), await visit(path(show), bob)
    await guest.hear("snapshot")
    await host.hear("snapshot")

    await in_thread(LiveSession.objects.update, visibility="private")
    fact = ShowChanged(piece_id=show.pk, creator_id=show.piece.creator_id, rev=1)
    await in_thread(reactions.show_changed, fact)

    assert await guest.hear_close() == wire.Close.NO_SUCH_SHOW
    assert await host.hear_close() == wire.Close.SERVICE_RESTART
    assert await (await visit(path(show), alice)).hear_close() == wire.Close.NO_SUCH_SHOW
    assert await (await visit(path(show), bob)).hear("snapshot")


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
        "picture_url": "",
        "mute": None,
    }


async def test_a_viewer_gets_the_show_and_their_own_room(visit, show, alice):
    page = await visit(path(show), alice)

    rooms = [(await page.hear("snapshot"))["room"] for _ in range(2)]

    assert rooms == ["live", "me"]
    assert page.seen[-1]["you"]["role"] == "viewer"


async def test_the_host_gets_the_hosts_room_too(visit, show, bob):
    page = await visit(path(show), bob)

    rooms = [(await page.hear("snapshot"))["room"] for _ in range(4)]

    assert rooms == ["live", "host", "mods", "me"]
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
    return wire.Counts(viewers=1, hearts=hearts, grace_ms=2000, lag_ms=None)


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
    monkeypatch.setattr("creators.stage.hub.VERIFY_SECONDS", 0.3)

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


async def test_a_show_that_becomes_private_lets_go_of_strangers_also_when_that_is_lost(
    visit, show, alice, bob, monkeypatch
):
    monkeypatch.setattr("creators.stage.desk.ROUND_SECONDS", 0.1)
    page, guest = await visit(path(show), alice), await visit(path(show))
    host = await visit(path(show), bob)
    for one in (page, guest, host):
        await one.hear("snapshot")

    show.visibility = "private"
    await in_thread(show.save)

    assert await page.hear_close(seconds=2) == wire.Close.NO_SUCH_SHOW
    assert await guest.hear_close(seconds=2) == wire.Close.NO_SUCH_SHOW
    await host.say(t="ping")
    await host.hear("pong")


async def test_a_closed_account_closes_its_sockets(visit, show, alice):
    page = await visit(path(show), alice)
    await page.hear("snapshot")

    alice.is_active = False
    await in_thread(alice.save)

    assert await page.hear_close(seconds=2.5) == wire.Close.SIGNED_OUT


async def test_the_other_sessions_of_the_user_stay(visit, show, alice, monkeypatch):
    monkeypatch.setattr("creators.stage.desk.ROUND_SECONDS", 0.1)
    cookie, client = await in_thread(cookie_of, user=alice)
    page, other = await visit(path(show), headers=[ORIGIN, cookie]), await visit(path(show), alice)
    await other.hear("snapshot")

    await sign_out(client)
    await page.hear_close(seconds=2)

    # Some rounds that ask who still is somebody.
    await asyncio.sleep(0.4)
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
    monkeypatch.setattr(watching, "QUALIFIED_SECONDS", 0.2)
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


async def test_the_host_does_not_watch_the_own_show(visit, show, bob, monkeypatch):
    monkeypatch.setattr(watching, "QUALIFIED_SECONDS", 0)
    page = await visit(path(show), bob)
    for _ in range(2):
        await page.say(t="watching")
    await page.say(t="ping")
    await page.hear("pong")

    assert not await in_thread(QualifiedView.objects.exists)
    assert {seat.viewer for room in hub_here().rooms.values() for seat in room.present} == {""}


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
    assert [one["room"] for one in told] == ["live", "host", "mods", "me"]
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
