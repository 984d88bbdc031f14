"""A conversation without a server: its order, its bounds, who may stay, and what it costs."""

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime

import pytest
from django.db.backends.utils import CursorWrapper

from creators.live.models import LiveSession
from creators.stage import conversation as module
from creators.stage import desk as desk_module
from creators.stage import publishing, snapshot, watching, wire, writing
from creators.stage.desk import desk_here, in_thread
from creators.stage.hub import hub_here
from creators.stage.limits import Buckets, Rate
from creators.stage.link import Link
from creators.stage.rooms import live_room, own_room
from creators.stage.wire import Close
from shops.checkout.owner import CartOwner
from tests.creators.stage.conftest import ORIGIN, cookie_of, path
from tests.creators.stage.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def counted(monkeypatch):
    """Write down every query of every thread."""
    queries = []
    execute = CursorWrapper.execute

    def note(self, sql, params=None):
        queries.append(str(sql))
        return execute(self, sql, params)

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", note)
        yield queries


# --- Order and bounds -------------------------------------------------------------------------


async def test_what_is_said_is_done_in_its_order(talk, show, alice, monkeypatch):
    done = []
    may_go_on = asyncio.Event()

    async def slowly(who, some):
        await may_go_on.wait()
        done.extend(str(said.client_id) for said in some)

    monkeypatch.setattr(module, "write_all", slowly)
    page = await talk(show, alice)
    ids = [str(uuid.uuid4()) for _ in range(5)]

    page.say(t="ping")
    for client_id in ids:
        page.say(t="chat", client_id=client_id, body="hello")
    page.say(t="ping")
    await asyncio.sleep(0.05)

    assert len(page.heard("pong")) == 1, "the second waits for the lines before it"
    may_go_on.set()
    await page.hear("pong", times=2)
    assert done == ids


async def test_a_ping_a_heart_and_a_word_of_watching_make_no_task(talk, show, alice):
    page = await talk(show, alice)
    page.say(t="resume")
    await page.hear("snapshot", times=2)
    before = asyncio.all_tasks()

    for _ in range(5):
        page.say(t="ping")
        page.say(t="heart", count=2)
        page.say(t="watching", lag_ms=700)

    assert len(page.heard("pong")) == 5
    assert not asyncio.all_tasks() - before


async def test_who_says_much_and_reads_nothing_holds_little(talk, show, alice):
    page = await talk(show, alice)
    page.say(t="resume")
    await page.hear("snapshot", times=2)
    desk_here().users = Buckets(Rate(burst=10_000, per_second=1))
    page.may_read.clear()
    before = len(asyncio.all_tasks())

    for _ in range(500):
        page.say(t="resume")
        page.say(t="ping")
    await until(lambda: page.closed is not None)

    assert page.closed in (Close.SLOW, Close.TOO_MANY)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert not page.conversation._queue


async def test_only_so_much_waits_for_what_takes_its_time(talk, show, alice, monkeypatch):
    never = asyncio.Event()

    async def wait(who, some):
        await never.wait()

    monkeypatch.setattr(module, "write_all", wait)
    page = await talk(show, alice)
    desk_here().users = Buckets(Rate(burst=10_000, per_second=1))

    for _ in range(module.MOST_WAITING + 30):
        page.say(t="chat", client_id=str(uuid.uuid4()), body="hello")
        page.say(t="ping")
        await asyncio.sleep(0)

    assert len(page.conversation._queue) <= module.MOST_WAITING
    assert page.heard("error")[-1]["code"] == "too_many"
    never.set()


async def test_what_was_said_before_leaving_is_written_down(talk, show, alice, monkeypatch):
    written = []

    async def write(who, some):
        await asyncio.sleep(0.01)
        written.extend(some)

    monkeypatch.setattr(module, "write_all", write)
    page = await talk(show, alice)
    page.say(t="chat", client_id=str(uuid.uuid4()), body="one")
    await asyncio.sleep(0)
    page.say(t="chat", client_id=str(uuid.uuid4()), body="two")
    page.say(t="resume")
    page.conversation.end()

    await until(lambda: len(written) == 2)


async def test_a_line_is_acknowledged_when_it_is_written(talk, show, alice):
    page = await talk(show, alice)
    client_id = str(uuid.uuid4())

    page.say(t="chat", client_id=client_id, body="hello")
    said = await page.hear("said")
    page.say(t="chat", client_id=client_id, body="hello")
    again = await page.hear("said", times=2)

    assert (said["client_id"], said["state"]) == (client_id, "shown")
    assert again == said


async def test_a_question_is_acknowledged_and_voted_for(talk, show, alice, erin):
    page, other = await talk(show, alice), await talk(show, erin)
    client_id = str(uuid.uuid4())

    page.say(t="ask", client_id=client_id, body="Is it silk?")
    said = await page.hear("said")
    other.say(t="vote", question_id=said["id"])
    other.say(t="ping")
    await other.hear("pong")

    from creators.chat.models import Question

    assert (await in_thread(Question.objects.get)).votes == 2


# --- Who comes back ---------------------------------------------------------------------------


async def test_who_comes_back_in_time_costs_no_query_and_no_reading(
    visit, show, product, alice, monkeypatch
):
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 60)
    cookie, _ = await in_thread(cookie_of, user=alice)
    headers = [ORIGIN, cookie]
    page = await visit(path(show), headers=headers)
    told = [await page.hear("snapshot") for _ in range(2)]
    positions = {one["room"]: {"epoch": one["epoch"], "seq": one["seq"]} for one in told}
    await page.communicator.disconnect()
    await until(lambda: not desk_here()._sockets)
    news = {
        live_room(show.pk): wire.ShowCancelled(rev=7),
        own_room(alice.pk): wire.Cart(version=9, units=3),
    }
    for room, event in news.items():
        await in_thread(publishing.publish, room=room, events=[event])
    await until(lambda: hub_here().rooms[own_room(alice.pk)].seq > positions["me"]["seq"])

    asked = []
    for name in ("read", "read_many", "subscribe"):
        monkeypatch.setattr(Link, name, lambda *args, **kwargs: asked.append(args))
    with counted(monkeypatch) as queries:
        back = await visit(path(show), headers=headers, resume=positions)
        seen = set()
        while len(seen) < 2:
            frame = await back.hear("frame")
            kinds = {one["t"] for one in frame["events"]}
            seen |= kinds & {"show_cancelled", "cart"}
        await back.say(t="ping")
        await back.hear("pong")

    assert queries == []
    assert asked == []
    assert not [one for one in back.seen if one.get("t") == "snapshot"]


async def test_many_who_come_together_cost_a_handful_of_queries(talk, show, monkeypatch):
    from tests.factories.accounts import UserFactory

    users = await in_thread(UserFactory.create_batch, 30)
    first = await talk(show, users[0])
    first.say(t="resume")
    await first.hear("snapshot", times=2)
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 60)

    pages = [await talk(show, user) for user in users[1:]]
    with counted(monkeypatch) as queries:
        for page in pages:
            page.say(t="resume")
        for page in pages:
            await page.hear("snapshot", times=2)

    # The show's own reading, if its time was up, and two loads of all own rooms.
    assert len([sql for sql in queries if "checkout_cart" in sql]) <= 3
    assert len([sql for sql in queries if "orders_order" in sql]) <= 6
    assert len(queries) < len(pages) * 2
    assert [one["room"] for one in pages[-1].heard("snapshot")] == ["live", "me"]


def test_own_states_together_are_those_one_by_one(alice, erin, product):
    from shops.checkout.services import carts

    now = datetime.now(UTC)
    token = CartOwner(token=uuid.uuid4())
    owners = [CartOwner(user_id=alice.pk), CartOwner(user_id=erin.pk), token]
    sku = product.skus.get()
    carts.add_to_cart(owner=owners[0], sku_id=sku.pk, quantity=2, now=now)
    carts.add_to_cart(owner=token, sku_id=sku.pk, quantity=1, now=now)

    together = snapshot.me_states(owners)

    assert together == {owner: snapshot.me_state(owner) for owner in owners}
    assert [together[owner].cart.units for owner in owners] == [2, 0, 1]


# --- Hearts -----------------------------------------------------------------------------------


async def test_hearts_count_while_the_show_is_on_as_many_as_a_hand_can_give(talk, show, alice):
    page = await talk(show, alice)
    page.say(t="resume")
    await page.hear("snapshot", times=2)
    desk_here().hearts = Buckets(Rate(burst=60, per_second=0.001))
    given = 0

    def hearts():
        return page.conversation.seats[0].room.hearts

    for _ in range(3):
        before = hearts()
        page.say(t="heart", count=50)
        given += hearts() - before
    assert given == 60

    await in_thread(LiveSession.objects.update, state="ended", ended_at=datetime.now(UTC))
    await until(lambda: not desk_here().shows.is_on_air(show.pk))
    desk_here().hearts = Buckets(Rate(burst=60, per_second=0.001))
    before = hearts()
    page.say(t="heart", count=5)
    assert hearts() <= before


async def test_a_page_that_comes_back_does_not_count_its_view_again(talk, show, alice, monkeypatch):
    monkeypatch.setattr(watching, "QUALIFIED_SECONDS", 0)
    page = await talk(show, alice)
    page.say(t="watching")
    page.say(t="ping")
    await page.hear("pong")
    page.conversation.end()
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 60)

    back = await talk(show, alice)
    with counted(monkeypatch) as queries:
        back.say(t="watching")
        back.say(t="ping")
        assert back.heard("pong"), "at once"

    assert not [sql for sql in queries if "qualifiedview" in sql]


def test_captions_and_lines_are_named_as_written():
    """What is written down together, or kept for who leaves, is what writing knows."""
    assert {one.__struct_config__.tag for one in writing.Written.__args__} == {
        "chat",
        "ask",
        "vote",
        "delete_message",
        "mute",
        "unmute",
    }
