"""How many conversations there may be, and who has to leave when something changes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from creators.chat.models import Moderator, Sanction
from creators.chat.moderation import moderators, sanctions
from creators.chat.moderation.authority import place_of
from creators.live.models import LiveSession
from creators.stage import desk as desk_module
from creators.stage.desk import desk_here, in_thread
from creators.stage.hub import hub_here
from creators.stage.lines import AsgiLine
from creators.stage.wire import Close
from tests.creators.stage.talk import known
from tests.creators.stage.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


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
