"""A conversation without a server: its order, its bounds, who may stay, and what it costs."""

import asyncio
import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db.backends.utils import CursorWrapper

from creators.chat.models import Moderator, Sanction
from creators.chat.moderation import moderators, sanctions
from creators.chat.moderation.authority import place_of
from creators.live.models import LiveSession
from creators.stage import conversation as module
from creators.stage import desk as desk_module
from creators.stage import publishing, snapshot, watching, wire, writing
from creators.stage.conversation import Conversation
from creators.stage.desk import desk_here, in_thread
from creators.stage.hub import hub_here
from creators.stage.identity import Identity, guest
from creators.stage.limits import Buckets, Rate
from creators.stage.lines import AsgiLine
from creators.stage.link import Link
from creators.stage.rooms import live_room, own_room
from creators.stage.wire import Close
from shops.checkout.owner import CartOwner
from tests.creators.stage.conftest import ORIGIN, cookie_of, path, until

pytestmark = pytest.mark.django_db(transaction=True)


def known(user, *, is_operator=False):
    """Who a user is, as the cookie would tell; without a session that rounds could end."""
    return Identity(
        user_id=user.pk,
        name=user.display_name,
        session_key=None,
        session_hash="",
        cart_token=None,
        invites=frozenset(),
        is_operator=is_operator,
        viewer=f"u:{user.pk}",
    )


class Talk:
    """The other side of a conversation; its reader can be stopped."""

    def __init__(self, *, who=None, piece_id=None, address="10.0.0.1"):
        self.told = []
        self.closed = None
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.line = AsgiLine(self._send)
        self.conversation = Conversation(
            self.line,
            identity=who or guest(),
            piece_id=piece_id,
            address=address,
            language="en",
        )

    async def _send(self, message):
        if message["type"] == "websocket.close":
            self.closed = message["code"]
            return
        if not self.may_read.is_set():
            await self.may_read.wait()
        self.told.append(json.loads(message["text"]))

    async def open(self):
        return await self.conversation.open()

    def say(self, **message):
        self.conversation.take(json.dumps(message))

    def heard(self, kind):
        return [one for one in self.told if one.get("t", "frame") == kind]

    async def hear(self, kind, *, times=1):
        await until(lambda: len(self.heard(kind)) >= times)
        return self.heard(kind)[-1]


@pytest.fixture
async def talk(transactional_db):
    """talk(show, user) opens a conversation; its hub is closed after the test."""
    talks = []

    async def begin(show=None, user=None, **kinds):
        who = kinds.pop("who", None) or (None if user is None else known(user))
        one = Talk(who=who, piece_id=None if show is None else show.pk, **kinds)
        talks.append(one)
        one.is_open = await one.open()
        return one

    yield begin
    for one in talks:
        one.conversation.end()
    await hub_here().close()


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


# --- How many ---------------------------------------------------------------------------------


async def test_a_process_an_address_and_a_user_have_so_many_sockets(talk, show, alice, settings):
    settings.STAGE_MAX_SOCKETS = 4
    settings.STAGE_SOCKETS_PER_ADDRESS = 3
    settings.STAGE_SOCKETS_PER_USER = 2

    pages = [await talk(show, alice) for _ in range(3)]
    assert [page.is_open for page in pages] == [True, True, False]
    assert pages[2].closed == Close.TOO_MANY_SOCKETS
    assert (await talk(show)).is_open
    fourth = await talk(show)
    assert fourth.closed == Close.TOO_MANY_SOCKETS, "the address has three"
    assert (await talk(show, address="10.0.0.2")).is_open
    full = await talk(show, address="10.0.0.3")
    assert full.closed == Close.FULL

    pages[0].conversation.end()
    pages[0].conversation.end()
    assert (await talk(show, alice)).is_open, "who leaves makes room, once"
    assert (await talk(show, address="10.0.0.3")).closed == Close.FULL


async def test_who_is_not_let_in_is_not_counted(talk, show, alice):
    await in_thread(LiveSession.objects.update, visibility="private")

    page = await talk(show, alice)

    assert page.closed == Close.NO_SUCH_SHOW
    assert not desk_here()._sockets
    assert not desk_here()._of_address


async def test_a_socket_without_a_sign_of_life_is_pinged_and_then_closed(talk, show, monkeypatch):
    page = await talk(show)
    pings = []
    monkeypatch.setattr(AsgiLine, "needs_ping", True)
    monkeypatch.setattr(AsgiLine, "ping", lambda line: pings.append(line))
    desk = desk_here()

    desk._listen_for_life()
    assert not pings
    page.conversation.heard_at -= desk_module.PING_SECONDS + 1
    desk._listen_for_life()
    assert pings == [page.line]
    page.say(t="ping")
    desk._listen_for_life()
    assert len(pings) == 1
    page.conversation.heard_at -= desk_module.IDLE_SECONDS + 1
    desk._listen_for_life()

    assert page.closed == Close.IDLE


async def test_who_is_there_is_asked_though_the_database_keeps_the_round_waiting(
    talk, show, monkeypatch
):
    pings, stuck = [], asyncio.Event()
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(AsgiLine, "needs_ping", True)
    monkeypatch.setattr(AsgiLine, "ping", lambda line: pings.append(line))

    async def wait(desk, piece_ids):
        stuck.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(desk_module.Desk, "_judge", wait)
    page = await talk(show)
    await stuck.wait()
    page.conversation.heard_at -= desk_module.PING_SECONDS + 1

    await until(lambda: pings)

    assert page.closed is None


# --- Who may stay -----------------------------------------------------------------------------


def ban(show, user, by):
    sanctions.ban(piece_id=show.pk, user_id=user.pk, by=by, now=datetime.now(UTC), reason="rude")


def name_moderator(show, user, by):
    moderators.add_moderator(place=place_of(show.pk), user_id=user.pk, by=by, now=datetime.now(UTC))


@pytest.mark.parametrize("is_lost", [False, True], ids=["told", "lost"])
async def test_a_banned_user_is_out_within_two_seconds(talk, show, alice, bob, erin, is_lost):
    page, other = await talk(show, alice), await talk(show, erin)
    if is_lost:
        hub_here().on_control = None

    await in_thread(ban, show=show, user=alice, by=bob)

    await until(lambda: page.closed is not None, seconds=2.5)
    assert page.closed == Close.BANNED
    assert other.closed is None
    assert (await talk(show, alice)).closed == Close.BANNED


async def test_who_becomes_a_moderator_comes_in_anew_as_one(talk, show, alice, bob):
    page = await talk(show, alice)

    await in_thread(name_moderator, show=show, user=alice, by=bob)
    await until(lambda: page.closed is not None, seconds=2.5)

    assert page.closed == Close.SERVICE_RESTART
    again = await talk(show, alice)
    again.say(t="resume")
    await again.hear("snapshot", times=3)
    assert [one["room"] for one in again.heard("snapshot")] == ["live", "mods", "me"]
    assert again.heard("snapshot")[0]["you"]["role"] == "moderator"


async def test_who_came_in_between_two_changes_is_judged_by_the_second(
    talk, show, alice, bob, monkeypatch
):
    """What holds is then what held when the show was looked at before they came."""
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 60)
    desk = desk_here()
    desk.hub.on_control = None
    (await talk(show, alice)).conversation.end()
    await desk._judge([show.pk])

    await in_thread(name_moderator, show=show, user=alice, by=bob)
    desk.shows.forget(show.pk)
    page, other = await talk(show, alice), await talk(show)
    assert page.conversation.role == "moderator"
    row = await in_thread(Moderator.objects.get, user=alice)
    await in_thread(moderators.remove_moderator, moderator_id=row.pk, by=bob, now=datetime.now(UTC))
    await desk._judge([show.pk])

    assert page.closed == Close.SERVICE_RESTART
    assert other.closed is None


async def test_who_came_back_after_a_ban_and_is_banned_again_is_out(
    talk, show, alice, bob, monkeypatch
):
    """The same people are banned before and after; it is another ban."""
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 60)
    desk = desk_here()
    desk.hub.on_control = None
    await in_thread(ban, show=show, user=alice, by=bob)
    desk.shows.forget(show.pk)
    await desk._judge([show.pk])
    first = await in_thread(Sanction.objects.get, user=alice)
    await in_thread(
        Sanction.objects.filter(pk=first.pk).update,
        until=datetime.now(UTC) + timedelta(seconds=0.5),
    )
    desk.shows.forget(show.pk)
    await desk._judge([show.pk])
    await asyncio.sleep(0.5)
    page = await talk(show, alice)
    desk._newcomers.clear()
    assert page.closed is None

    await in_thread(ban, show=show, user=alice, by=bob)
    await desk._judge([show.pk])

    assert page.closed == Close.BANNED


async def test_an_operator_is_a_moderator_everywhere(talk, show, olga):
    page = await talk(show, who=known(olga, is_operator=True))

    assert page.conversation.role == "moderator"


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
