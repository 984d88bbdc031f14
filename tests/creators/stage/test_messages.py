"""What people say over a socket, and what the server makes of it."""

import uuid

import pytest

from creators.chat.models import Message, Sanction
from creators.stage import conversation, wire
from creators.stage.desk import desk_here, in_thread
from creators.stage.limits import Buckets, Rate
from tests.creators.stage.conftest import ORIGIN, path

pytestmark = pytest.mark.django_db(transaction=True)


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

    assert not await in_thread(Sanction.objects.exists)
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

    told = (await viewer.hear_event("sanction"))["sanction"]
    assert (told["kind"], told["user_id"], told["lifted"]) == ("mute", alice.pk, False)
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="hello?")
    assert (await viewer.hear("error"))["code"] == "muted"
    await host.say(t="unmute", user_id=alice.pk)
    assert (await viewer.hear_event("sanction"))["sanction"]["lifted"]
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="thanks")
    assert (await viewer.hear_event("chat"))["line"]["body"] == "thanks"


async def test_a_mute_is_nobody_elses_business(visit, show, bob, alice, erin):
    host, other = await visit(path(show), bob), await visit(path(show), erin)
    await other.hear("snapshot")
    await other.hear("snapshot")
    await host.say(t="mute", user_id=alice.pk)
    await host.hear_event("sanction")
    await other.say(t="chat", client_id=str(uuid.uuid4()), body="what?")
    await other.hear_event("chat")

    frames = [one for one in other.seen if "events" in one]
    assert not [event for frame in frames for event in frame["events"] if event["t"] == "sanction"]


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
    monkeypatch.setattr(conversation, "MOST_REFUSALS", 5)
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
