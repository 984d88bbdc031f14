"""The example client of the protocol, against a real site and against one that plays tricks."""

import asyncio
import contextlib
import json
import runpy
import subprocess
import sys
import threading

import httpx
import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from creators.live import services as live
from creators.stage import metrics
from tests.servers import PROJECT

PROGRAM = PROJECT / "docs" / "examples" / "watch_show.py"


def test_it_is_short():
    assert len(PROGRAM.read_text().splitlines()) <= 60


@contextlib.contextmanager
def watching(site_url, show_id):
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), site_url, str(show_id)], stdout=subprocess.PIPE, text=True
    )
    # Who reads its lines is not left waiting for one that never comes.
    end = threading.Timer(20, process.kill)
    end.start()
    try:
        yield process
    finally:
        end.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.django_db(transaction=True)
def test_it_prints_what_happens_in_a_show(site, show, product, bob, now):
    with watching(site.url, show.pk) as process:
        first = json.loads(process.stdout.readline())
        assert (first["t"], first["room"]) == ("snapshot", "live")
        assert first["state"]["show"]["title"] == show.piece.title

        live.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)

        for line in process.stdout:
            room, _, event = line.partition(" ")
            if room == "live" and json.loads(event)["t"] == "pinned":
                break
        assert json.loads(event)["pin"]["product_id"] == product.pk
        assert_that_it_was_measured(site)


def assert_that_it_was_measured(site):
    figures = {
        name: float(value)
        for name, _, value in (
            line.rpartition(" ") for line in httpx.get(f"{site.url}/metrics").text.splitlines()
        )
        if not name.startswith("#")
    }
    ways = [figures[f'liveshop_stage_connections{{way="{way}"}}'] for way in metrics.WAYS]
    assert sum(ways) >= 1
    assert figures["liveshop_stage_rooms"] >= 1
    assert figures["liveshop_stage_deliveries_total"] >= 1
    assert figures["liveshop_stage_latency_seconds_count"] >= 1
    assert figures["liveshop_stage_valkey_up"] == 1
    assert httpx.get(f"{site.url}/readyz").json()["status"] == "ready"


@pytest.mark.django_db(transaction=True)
def test_it_gives_up_where_there_is_no_show(site):
    with watching(site.url, 987654) as process:
        assert process.stdout.read() == "over: there is no such show\n"


# --- Tricks -----------------------------------------------------------------------------------


def snapshot(epoch, seq):
    return {"t": "snapshot", "room": "live", "epoch": epoch, "seq": seq, "state": {}}


def frame(epoch, first, last):
    events = [{"seq": seq, "t": "counts"} for seq in range(first, last + 1)]
    return {"room": "live", "epoch": epoch, "from": first, "seq": last, "events": events}


class Tricks:
    """A server that follows a script: what it tells after each resume; None closes the socket."""

    def __init__(self, *script):
        self.script = list(script)
        self.asked = []
        self.is_over = asyncio.Event()

    async def __call__(self, socket):
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                self.asked.append(json.loads(text)["rooms"])
                if not self.script:
                    self.is_over.set()
                    continue
                for message in self.script.pop(0):
                    if message is None:
                        await socket.close(1012)
                        return
                    await socket.send(json.dumps(message))


async def play(tricks, monkeypatch, capsys):
    """Run the program until it has asked once more than the script answers; return the events."""
    monkeypatch.setattr("random.uniform", lambda least, most: 0)
    async with serve(tricks, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(sys, "argv", [str(PROGRAM), f"http://127.0.0.1:{port}", "7"])
        work = []
        monkeypatch.setattr("asyncio.run", work.append)
        runpy.run_path(str(PROGRAM), run_name="__main__")
        task = asyncio.ensure_future(work[0])
        async with asyncio.timeout(10):
            await tricks.is_over.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    printed = capsys.readouterr().out.splitlines()
    return [json.loads(line[5:])["seq"] for line in printed if line.startswith("live ")]


async def test_a_gap_is_asked_for_and_nothing_is_told_twice(monkeypatch, capsys):
    tricks = Tricks(
        [snapshot("a", 4), frame("a", 5, 6), frame("a", 9, 9)],
        [frame("a", 7, 9), frame("a", 9, 10), frame("a", 13, 13)],
    )

    assert await play(tricks, monkeypatch, capsys) == [5, 6, 7, 8, 9, 10]
    assert tricks.asked == [
        {},
        {"live": {"epoch": "a", "seq": 6}},
        {"live": {"epoch": "a", "seq": 10}},
    ]


async def test_after_a_cut_it_comes_back_where_it_was(monkeypatch, capsys):
    tricks = Tricks([snapshot("a", 4), frame("a", 5, 6), None], [frame("a", 7, 8), None])

    assert await play(tricks, monkeypatch, capsys) == [5, 6, 7, 8]
    assert tricks.asked[1:] == [{"live": {"epoch": "a", "seq": seq}} for seq in (6, 8)]


async def test_after_a_resync_it_asks_for_a_snapshot(monkeypatch, capsys):
    tricks = Tricks(
        [snapshot("a", 4), {"t": "resync", "room": "live"}],
        [snapshot("b", 1), frame("b", 2, 2), frame("c", 1, 1)],
    )

    assert await play(tricks, monkeypatch, capsys) == [2]
    assert tricks.asked == [{}, {}, {"live": {"epoch": "b", "seq": 2}}]
