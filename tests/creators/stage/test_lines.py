"""The way out by plain ASGI: never waited for, in order, and bounded for who does not read."""

import asyncio

import pytest

from creators.stage import lines
from creators.stage.frames import Frame
from creators.stage.lines import AsgiLine
from creators.stage.wire import Close


class Server:
    """A `send` whose reader can be stopped; every message takes a turn of the loop."""

    def __init__(self):
        self.sent = []
        self.closed = []
        self.may_read = asyncio.Event()

    async def send(self, message):
        if message["type"] == "websocket.close":
            self.closed.append(message["code"])
            return
        await self.may_read.wait()
        self.sent.append(message["text"])


def frame(text):
    return Frame(str(text).encode())


async def until_free(line):
    while line.is_blocked:
        await asyncio.sleep(0)


async def test_a_blocked_line_takes_no_frame_and_tells_when_it_does_again():
    server = Server()
    line = AsgiLine(server.send)
    drained = []
    line.when_drained = lambda: drained.append(True)

    assert line.write(frame(1))
    assert line.is_blocked
    assert not line.write(frame(2))
    assert not drained
    server.may_read.set()
    await until_free(line)

    assert drained == [True]
    assert line.write(frame(3))
    assert server.sent == ["1", "3"]


async def test_answers_wait_behind_what_is_on_its_way_in_their_order():
    server = Server()
    line = AsgiLine(server.send)
    line.write(frame("room"))
    for number in range(5):
        line.answer(frame(number))
    assert not line.write(frame("another")), "a frame does not overtake"

    server.may_read.set()
    await until_free(line)

    assert server.sent == ["room", "0", "1", "2", "3", "4"]
    assert not line.is_closed


@pytest.mark.parametrize(
    ("size", "many"), [(10, lines.MOST_ANSWERS + 1), (lines.MOST_ANSWER_BYTES // 2, 3)]
)
async def test_who_asks_and_does_not_read_is_closed_and_nothing_is_kept(size, many):
    server = Server()
    line = AsgiLine(server.send)
    before = len(asyncio.all_tasks())

    for _ in range(many + 1):
        line.answer(frame("x" * size))
    await asyncio.sleep(0)

    assert server.closed == [Close.SLOW]
    assert line._answers is None
    assert len(asyncio.all_tasks()) == before
    line.answer(frame("more"))
    assert line._answers is None


async def test_any_number_of_answers_makes_one_task():
    server = Server()
    line = AsgiLine(server.send)
    before = len(asyncio.all_tasks())

    for number in range(lines.MOST_ANSWERS):
        line.answer(frame(number))

    assert len(asyncio.all_tasks()) == before + 1
    line.gone()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


async def test_a_line_that_breaks_while_it_answers_is_closed():
    class Broken(Server):
        async def send(self, message):
            await super().send(message)
            if message["text"] == "2":
                raise ConnectionResetError

    server = Broken()
    line = AsgiLine(server.send)
    for number in range(5):
        line.answer(frame(number))
    server.may_read.set()
    await until_free(line)

    assert server.sent == ["0", "1", "2"]
    assert line.is_closed
