"""The stage's figures: bounded labels, and counts that follow what was told."""

import time
from collections import deque
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from prometheus_client import REGISTRY

from creators.stage import metrics, wire
from creators.stage.fast.connection import Connection
from creators.stage.lines import AsgiLine


def read(name, **labels):
    return REGISTRY.get_sample_value(f"liveshop_{name}", labels) or 0


@pytest.fixture
def grown():
    """grown(name, **labels) tells by how much a figure grew since it was asked for first."""
    before = {}

    def tell(name, **labels):
        key = (name, *sorted(labels.items()))
        now = read(name, **labels)
        return now - before.setdefault(key, now)

    return tell


def test_a_frame_is_counted_by_events_and_sockets(grown):
    names = ("deliveries_total", "frames_sent_total", "bytes_total", "frames_total")
    for name in names:
        grown(f"stage_{name}")
    for sockets in (512, 488, 0):
        metrics.delivered(events=25, sockets=sockets, size=4000)
    metrics.framed(oldest_at_ms=int(time.time() * 1000) - 60)

    assert [grown(f"stage_{name}") for name in names] == [25_000, 1000, 4_000_000, 1]


@pytest.mark.parametrize(("ago_ms", "most", "least"), [(60, "0.25", "0.05"), (-500, "0.005", None)])
def test_latency_falls_into_its_bucket(grown, ago_ms, most, least):
    name = "stage_latency_seconds_bucket"
    for bound in filter(None, (most, least)):
        grown(name, le=bound)
    metrics.framed(oldest_at_ms=int(time.time() * 1000) - ago_ms)

    assert grown(name, le=most) == 1
    assert least is None or grown(name, le=least) == 0


def test_connections_go_up_and_down(grown):
    for way in metrics.WAYS:
        grown("stage_connections", way=way)
    metrics.connected("native")
    metrics.connected("asgi")
    metrics.disconnected("asgi")

    assert [grown("stage_connections", way=way) for way in metrics.WAYS] == [1, 0, 0]
    metrics.disconnected("native")


def test_rooms_and_what_waits_in_them_are_read_from_the_hubs(grown):
    grown("stage_rooms"), grown("stage_queue_events")

    class Hub:
        rooms = {
            "live:1": SimpleNamespace(pending=[1, 2, 3]),
            "me:1": SimpleNamespace(pending=deque()),
        }

    hub = Hub()
    metrics.watch(hub)
    assert (grown("stage_rooms"), grown("stage_queue_events")) == (2, 3)
    # A hub that is gone is not counted any more.
    del hub
    assert (grown("stage_rooms"), grown("stage_queue_events")) == (0, 0)


def test_what_is_not_ours_is_one_label(grown):
    grown("stage_closes_total", code="other"), grown("stage_inbound_total", type="other")
    grown("stage_closes_total", code="1013"), grown("stage_inbound_total", type="chat")
    metrics.closed(wire.Close.SLOW)
    metrics.closed(3999)
    metrics.said("chat")
    metrics.said("nonsense-of-a-client")

    assert grown("stage_closes_total", code="other") == 1
    assert grown("stage_closes_total", code="1013") == 1
    assert grown("stage_inbound_total", type="other") == 1
    assert grown("stage_inbound_total", type="chat") == 1
    assert read("stage_inbound_total", type="nonsense-of-a-client") == 0


def test_refusals_codes_are_bounded(grown, monkeypatch):
    monkeypatch.setattr(metrics, "_codes", {"muted"})
    monkeypatch.setattr(metrics, "MOST_CODES", 2)
    for code in ("muted", "other"):
        grown("stage_refused_total", code=code)
    for code in ("muted", "bounded_test_a", "bounded_test_b", "bounded_test_c"):
        metrics.refused(code)

    assert grown("stage_refused_total", code="muted") == 1
    assert grown("stage_refused_total", code="other") == 2
    assert read("stage_refused_total", code="bounded_test_c") == 0


def test_the_rest(grown):
    names = {
        "stage_catch_ups_total": {},
        "stage_resyncs_total": {},
        "stage_drops_total": {"reason": "left_out"},
        "stage_valkey_connects_total": {},
    }
    for name, labels in names.items():
        grown(name, **labels)
    metrics.caught_up(2)
    metrics.resynced()
    metrics.dropped("left_out", 7)
    metrics.valkey_is(True)

    assert [grown(name, **labels) for name, labels in names.items()] == [2, 1, 7, 1]
    assert read("stage_valkey_up") == 1
    metrics.valkey_is(False)
    assert read("stage_valkey_up") == 0


class Native(Connection):
    def received(self, message):
        raise AssertionError(message)


async def test_a_close_is_counted_once_on_each_way(grown):
    async def send(message):
        sent.append(message)

    sent = []
    plain, native = AsgiLine(send), Native()
    native.connection_made(Mock())
    grown("stage_closes_total", code="4503")
    for line in (plain, native):
        for _ in range(2):
            line.close(wire.Close.FULL)

    assert grown("stage_closes_total", code="4503") == 2
    assert len(sent) == 1
