"""A deleted line is gone for those who resume, too: from the ring, and from Valkey's log."""

import msgspec
import pytest

from creators.stage import wire
from creators.stage.wire import Position
from tests.creators.stage.conftest import Viewer, publish
from tests.creators.stage.waiting import until

LIVE = "live:1"


def line(number, body):
    return wire.ChatLine(
        id=number,
        author_id=7,
        author="Mallory",
        body=body,
        sent_at=5,
        client_id=None,
    )


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["ring", "log"])
async def test_what_a_deleted_line_said_is_told_to_nobody_who_comes_back(
    hub, other_hub, is_elsewhere
):
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, wire.Chat(line=line(1, "kept")), wire.Chat(line=line(2, "an insult")))
    await until(lambda: len(viewer.events) == 2)
    start = Position(epoch=viewer.position.epoch, seq=viewer.position.seq - 2)
    await publish(LIVE, wire.ChatDeleted(id=2))
    await until(lambda: len(viewer.events) == 3)

    back = Viewer(other_hub if is_elsewhere else hub, name="u:2")
    assert await back.join(start)
    await until(lambda: len(back.events) == 3)

    first, second, third = back.events
    assert first["line"]["body"] == "kept"
    assert third["t"] == "chat_deleted"
    assert [one["seq"] for one in back.events] == [one["seq"] for one in viewer.events]
    assert "insult" not in str(back.texts)
    assert "Mallory" not in str(second)
    assert second["line"]["deleted"]
    assert (second["line"]["id"], second["line"]["sent_at"]) == (2, 5)


async def test_its_words_are_gone_from_what_repeats_them_too(hub):
    viewer = Viewer(hub)
    await viewer.join()
    insult = line(2, "an insult")
    quoting = msgspec.structs.replace(
        line(3, 'no "reply":{"id":2,"body":"x"} here'),
        reply=wire.ReplyCard(id=2, author="Mallory", body="an insult"),
    )
    await publish(LIVE, wire.Chat(line=insult), wire.Chat(line=quoting))
    await publish(LIVE, wire.ChatPinned(rev=1, line=insult))
    await until(lambda: len(viewer.events) == 3)
    start = Position(epoch=viewer.position.epoch, seq=viewer.position.seq - 3)
    await publish(LIVE, wire.ChatDeleted(id=2))
    await until(lambda: len(viewer.events) == 4)

    back = Viewer(hub, name="u:2")
    assert await back.join(start)
    await until(lambda: len(back.events) == 4)

    assert "insult" not in str(back.texts)
    _gone, answer, pinned, _deletion = back.events
    assert answer["line"]["reply"] == {"id": 2, "author": "", "body": ""}
    assert answer["line"]["body"] == 'no "reply":{"id":2,"body":"x"} here'
    assert pinned["line"] is None


def question(rev, **more):
    card = {"author": "Mallory", "body": "an insult", "votes": 1, **more}
    return wire.Question(
        question=wire.QuestionCard(
            id=4, rev=rev, product_id=None, asked_at=5, answered_at=None, **card
        )
    )


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["ring", "log"])
async def test_what_a_deleted_question_asked_is_told_to_nobody_who_comes_back(
    hub, other_hub, is_elsewhere
):
    viewer = Viewer(hub)
    await viewer.join()
    await publish(LIVE, question(0), question(1, votes=2))
    await until(lambda: len(viewer.events) == 2)
    start = Position(epoch=viewer.position.epoch, seq=viewer.position.seq - 2)
    await publish(LIVE, question(2, author="", body="", deleted=True))
    await until(lambda: len(viewer.events) == 3)

    back = Viewer(other_hub if is_elsewhere else hub, name="u:2")
    assert await back.join(start)
    await until(lambda: len(back.events) == 3)

    assert "insult" not in str(back.texts)
    assert "Mallory" not in str(back.texts)
    assert [one["question"]["rev"] for one in back.events] == [0, 1, 2]
    await publish(LIVE, question(3, body="put back"))
    await until(lambda: len(back.events) == 4)
    assert back.events[-1]["question"]["body"] == "put back"
