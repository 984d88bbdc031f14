import asyncio
import logging
import struct

import pytest

from creators.media.publishing import Refusal
from tests.creators.media.rtmp.conftest import KEY
from tests.creators.media.rtmp.encoder import (
    AUDIO,
    CONNECT,
    GREETING,
    VIDEO,
    amf,
    as_obs,
    chunks,
    commands,
    metadata,
    statuses,
    tags,
)

PICTURE = chunks(4, 9, VIDEO, time=20, stream=1, size=4096)


async def publish(door, key=KEY):
    encoder = await door.encoder()
    await encoder.greet()
    await encoder.send(as_obs(key))
    await encoder.hear("NetStream.Publish.Start")
    return encoder


async def test_who_has_the_key_may_send_its_picture(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(metadata() + PICTURE + chunks(4, 8, AUDIO, time=25, stream=1, size=4096))
        await encoder.send(chunks(3, 20, amf("deleteStream", 6, None, 1), size=4096))
        await door.shelf.closed.wait()
        heard = await encoder.hear_end()

        assert door.reception.asked == [(KEY, "127.0.0.1")]
        assert [(kind, time) for kind, time, _ in tags(door.shelf.data)] == [
            (18, 0),
            (9, 20),
            (8, 25),
        ]
        assert door.shelf.why is None
        assert statuses(heard) == ["NetStream.Publish.Start", "NetStream.Unpublish.Success"]


async def test_who_hangs_up_is_noticed(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(metadata() + PICTURE)
        await encoder.close()
        await door.shelf.closed.wait()
        await door.empty()

        assert len(tags(door.shelf.data)) == 2


async def test_a_wrong_key_is_told_so_and_leaves_nothing(opened, caplog):
    caplog.set_level(logging.INFO)
    async with opened() as door:
        encoder = await door.encoder()
        await encoder.greet()
        await encoder.send(as_obs("sk-wrong-1234") + PICTURE)
        heard = await encoder.hear_end()
        await door.empty()

        assert statuses(heard) == ["NetStream.Publish.BadName"]
        assert str(Refusal("unknown_key").text) == commands(heard)[-1][3]["description"]
        assert door.reception.shelves == []
        assert "refused: unknown_key" in caplog.text
        assert "sk-wrong" not in caplog.text


async def test_a_second_encoder_is_told_so_and_the_first_goes_on(opened):
    async with opened() as door:
        first, second = await publish(door), await door.encoder()
        await second.greet()
        await second.send(as_obs(KEY))
        assert statuses(await second.hear_end()) == ["NetStream.Publish.BadName"]

        await first.send(PICTURE)
        await first.close()
        await door.shelf.closed.wait()

        assert len(tags(door.shelf.data)) == 1


async def test_a_picture_sent_before_the_answer_is_not_lost(opened):
    async with opened() as door:
        encoder = await door.encoder()
        await encoder.greet()
        await encoder.send(as_obs(KEY) + metadata() + PICTURE)
        await encoder.close()
        await door.reception.came.wait()
        await door.shelf.closed.wait()

        assert len(tags(door.shelf.data)) == 2


async def test_an_intake_that_ends_tells_why(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(PICTURE)
        door.shelf.ended.set_result(Refusal("key_changed"))
        heard = await encoder.hear_end()
        await door.empty()

        assert statuses(heard) == ["NetStream.Publish.Start", "NetStream.Publish.Denied"]
        assert commands(heard)[-1][3]["description"] == Refusal("key_changed").text
        assert door.shelf.closed.is_set()


async def test_another_codec_is_told_what_to_set(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(chunks(4, 9, b"\x90hvc1" + bytes(40), stream=1, size=4096))
        heard = await encoder.hear_end()
        await door.empty()

        assert statuses(heard)[-1] == "NetStream.Publish.Denied"
        assert "H.264" in commands(heard)[-1][3]["description"]
        assert door.shelf.why.code == "unsupported_codec"
        assert not door.shelf.data


async def test_an_encoder_has_to_wait_for_a_slow_intake(opened):
    async with opened() as door:
        encoder = await publish(door)
        door.shelf.open.clear()
        picture = chunks(4, 9, b"\x27\x01" + bytes(60_000), stream=1, size=4096)
        sent = 0
        try:
            async with asyncio.timeout(0.3):
                while sent < 4000:
                    await encoder.send(picture)
                    sent += 1
        except TimeoutError:
            pass

        assert sent < 1000
        assert not door.shelf.data
        door.shelf.open.set()
        while not door.shelf.data:
            await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("limits", "said", "noted"),
    [
        ({"handshake_s": 0.05}, GREETING[:10], "no handshake"),
        ({"handshake_s": 0.05}, GREETING, "no handshake"),
        ({"asking_s": 0.05}, GREETING + bytes(1536) + CONNECT, "no key for too long"),
        ({"idle_s": 0.05}, GREETING + bytes(1536) + as_obs(KEY), "no media for too long"),
        (
            {"idle_s": 0.05},
            GREETING + bytes(1536) + as_obs(KEY) + metadata() * 3,
            "no media for too long",
        ),
        ({}, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "does not begin like RTMP"),
        ({}, GREETING + bytes(1536) + b"\xff" * 5000, "begins in its middle"),
        ({}, GREETING + bytes(1536) + CONNECT + chunks(4, 9, VIDEO), "media before"),
    ],
    ids=[
        "handshake not begun",
        "handshake not ended",
        "silent",
        "no media",
        "descriptions only",
        "http",
        "garbage",
        "media",
    ],
)
async def test_who_is_no_publisher_is_let_go(opened, caplog, limits, said, noted):
    caplog.set_level(logging.INFO)
    async with opened(**limits) as door:
        encoder = await door.encoder()
        await encoder.send(said)
        await encoder.hear_end()
        await door.empty()

        assert noted in caplog.text
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_slow_drip_does_not_hold_the_door_open(opened):
    async with opened(handshake_s=0.1) as door:
        encoder = await door.encoder()

        async def drip():
            for byte in GREETING:
                await encoder.send(bytes([byte]))
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionError):
            await drip()


async def test_there_are_only_so_many_from_one_address(opened):
    async with opened(per_address=2) as door:
        first, second = await door.encoder(), await door.encoder()
        await first.greet()
        await second.greet()
        third = await door.encoder()
        assert await third.hear_end() == b""

        await first.close()
        while door.server.connections > 1:
            await asyncio.sleep(0.002)
        await (await door.encoder()).greet()


async def test_who_was_let_in_does_not_stand_in_the_way_of_others_behind_its_proxy(opened):
    async with opened(per_address=1) as door:
        publisher = await publish(door)
        stranger = await door.encoder()
        await stranger.greet()
        assert await (await door.encoder()).hear_end() == b""
        await publisher.close()
        await stranger.close()
        await door.empty()
        await (await door.encoder()).greet()


async def test_a_reception_out_of_order_is_an_answer_too(opened, caplog):
    async with opened() as door:

        async def by_key(key, *, address):
            raise RuntimeError("no database")

        door.reception.by_key = by_key
        encoder = await door.encoder()
        await encoder.greet()
        await encoder.send(as_obs(KEY))

        assert statuses(await encoder.hear_end()) == ["NetStream.Publish.Denied"]
        assert KEY not in caplog.text


async def test_a_reception_that_does_not_answer_is_not_waited_for(opened):
    async with opened(handshake_s=0.4, asking_s=0.05) as door:

        async def by_key(key, *, address):
            await asyncio.Event().wait()

        door.reception.by_key = by_key
        encoder = await door.encoder()
        await encoder.greet()
        await encoder.send(as_obs(KEY))
        heard = await encoder.hear_end()

        assert commands(heard)[-1][3]["description"] == Refusal("unavailable").text


async def test_publishers_are_let_go_when_the_server_stops(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(PICTURE)
        door.server.close()
        await door.server.wait_closed()

        assert door.shelf.closed.is_set()
        await encoder.hear_end()
        with pytest.raises(OSError, match=r"Connect|connect|\[Errno"):
            await door.encoder()


async def test_what_came_is_acknowledged(opened):
    async with opened() as door:
        encoder = await publish(door)
        await encoder.send(chunks(2, 5, struct.pack(">I", 65536)))
        before = len(encoder.heard)
        for _ in range(300):
            await encoder.send(PICTURE)
        while len(encoder.heard) < before + 16:
            encoder.heard += await encoder.reader.read(100)

        assert encoder.heard[before + 7] == 3
