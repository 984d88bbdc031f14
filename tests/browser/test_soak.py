"""A viewer who stays: minutes of a real stream in a real page, whose memory must not grow.

LIVESHOP_SOAK_MINUTES says how many minutes (10). What four hours do to the page's modules is in
tests/js/soak.test.js, and to the origin in tests/creators/media/hls/test_campaign.py.
"""

import json
import os
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from creators.chat.posting import post_message
from creators.live import services as live
from creators.media import services as media
from tests.browser.conftest import PHONE
from tests.factories.accounts import UserFactory
from tests.faults.encoder import Encoder, make_clip

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

MINUTES = float(os.environ.get("LIVESHOP_SOAK_MINUTES", "10"))
# By then all that the page loads when it needs it is there.
WARM_SECONDS = 150
ROUND_SECONDS = 0.5
LOOK_EVERY = 20
PIN_EVERY = 15
SOCKET_LOST_EVERY = 100
ENCODER_LOST_EVERY = 150
ENCODER_AWAY_SECONDS = 5
# What a page of the same content differs by from one look to the next. Most of the heap's growth
# is code that the browser compiles by and by; what a page itself would leave behind is objects.
HEAP_NOISE = 1_500_000
OBJECTS_NOISE = 1_000
NODES_NOISE = 300
LISTENERS_NOISE = 40
# The page remembers 10,000 lines of the chat, of which it draws those in view.
LINE_BYTES = 1_000
LINE_OBJECTS = 3
MOST_BUFFERED_SECONDS = 25
MOST_LAG_MS = 2_000
PATIENCE = 20_000

# Only the last socket is held: the test must not be what grows.
_SOCKETS = """
window.WebSocket = class extends WebSocket {
  constructor(...words) { super(...words); window.lastSocket = this; }
};
"""
_LOOK = """() => {
  const root = document.querySelector("[data-player]");
  const { buffered } = root.querySelector("[data-player-video]");
  const spans = [];
  for (let at = 0; at < buffered.length; at += 1) spans.push(buffered.end(at) - buffered.start(at));
  return {
    state: root.dataset.state,
    lag_ms: root.player.lag(),
    stalls: root.player.stalls,
    buffered: spans.reduce((sum, one) => sum + one, 0),
    span: spans.length ? buffered.end(buffered.length - 1) - buffered.start(0) : 0,
    lines: document.querySelector("[data-chat]").children.length,
  };
}"""


@dataclass(frozen=True)
class Weight:
    """What a page holds after its garbage was taken out."""

    heap: int
    objects: int
    nodes: int
    listeners: int
    documents: int


class Scale:
    """Weighs a page."""

    def __init__(self, page):
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("HeapProfiler.enable")

    def weigh(self):
        for _ in range(3):
            self.devtools.send("HeapProfiler.collectGarbage")
        heap = self.devtools.send("Runtime.getHeapUsage")
        dom = self.devtools.send("Memory.getDOMCounters")
        return Weight(
            heap=int(heap["usedSize"]),
            objects=self._objects(),
            nodes=dom["nodes"],
            listeners=dom["jsEventListeners"],
            documents=dom["documents"],
        )

    def _objects(self):
        """Count all objects of the page's scripts."""
        root = self._ask("Runtime.evaluate", expression="Object.prototype")["result"]
        found = self._ask("Runtime.queryObjects", prototypeObjectId=root["objectId"])["objects"]
        # The list itself would hold them.
        counted = self._ask(
            "Runtime.callFunctionOn",
            objectId=found["objectId"],
            functionDeclaration="function () { return this.splice(0).length; }",
            returnByValue=True,
        )["result"]
        for one in (root, found):
            self._ask("Runtime.releaseObject", objectId=one["objectId"])
        return counted["value"]

    def _ask(self, method, **words):
        return self.devtools.send(method, words)

    def lightest(self, page, *, times=5):
        """Weigh it again and again: what is only on its way is not in the least of the weights."""
        weights = []
        for _ in range(times):
            weights.append(self.weigh())
            page.wait_for_timeout(300)
        return Weight(*(min(column) for column in zip(*map(_figures, weights), strict=True)))


def _figures(weight):
    return asdict(weight).values()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A few upright seconds, over and over."""
    path = tmp_path_factory.mktemp("clip") / "clip.flv"
    return make_clip(path, size="216x384", fps=20)


@pytest.fixture
def show(bob, planned):
    """Bob's live show with products to pin."""
    live.start_show(piece_id=planned.pk, by=bob, now=datetime.now(UTC))
    return planned


class Busy:
    """What goes on in the show while somebody watches."""

    def __init__(self, *, page, show, host, clip, url):
        self.page, self.show, self.host = page, show, host
        self.clip, self.url = clip, url
        self.people = cycle(UserFactory.create_batch(8))
        self.products = cycle(show.products)
        self.said = self.pinned = self.sockets_lost = self.encoders_lost = 0
        self.encoder = Encoder(clip).start(url)
        self.began = time.monotonic()
        self.due = {
            self.pin: PIN_EVERY,
            self.lose_socket: SOCKET_LOST_EVERY,
            self.lose_encoder: ENCODER_LOST_EVERY,
        }
        self.again = {work: time.monotonic() + every for work, every in self.due.items()}
        self.encoder_back = None

    def say(self):
        self.said += 1
        post_message(
            piece_id=self.show.pk,
            author=next(self.people),
            client_id=uuid4(),
            body=f"Line {self.said} about scarves",
            now=datetime.now(UTC),
        )

    def pin(self):
        self.pinned += 1
        product = next(self.products)
        now = datetime.now(UTC)
        live.pin(piece_id=self.show.pk, product_id=product.pk, by=self.host, now=now)

    def lose_socket(self):
        self.sockets_lost += 1
        self.page.evaluate("window.lastSocket.close()")

    def lose_encoder(self):
        self.encoders_lost += 1
        self.encoder.stop()
        self.encoder_back = time.monotonic() + ENCODER_AWAY_SECONDS

    def send_again(self):
        """Have the encoder back, if it is away."""
        if self.encoder_back is not None:
            self.encoder_back = None
            self.encoder = Encoder(self.clip).start(self.url)

    def go_on(self):
        """Do what is due, and wait until the next round."""
        ends = time.monotonic() + ROUND_SECONDS
        self.say()
        for work, every in self.due.items():
            if time.monotonic() >= self.again[work]:
                self.again[work] += every
                work()
        if self.encoder_back is not None and time.monotonic() >= self.encoder_back:
            self.send_again()
        self.page.wait_for_timeout(max(10, (ends - time.monotonic()) * 1000))


def test_a_page_that_watches_for_long_does_not_grow(origin, visit, clip, show, alice, bob):
    key = media.make_key(creator=bob.creator, now=datetime.now(UTC))
    page = visit(alice, viewport=PHONE)
    page.add_init_script(_SOCKETS)
    page.goto(f"/live/{show.pk}/")
    player = page.locator("[data-player]")
    url = f"rtmp://127.0.0.1:{origin.rtmp_port}/live/{key}"
    busy = Busy(page=page, show=show, host=bob, clip=clip, url=url)
    looks, weights, said = [], [], []
    try:
        expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
        scale = Scale(page)
        began = time.monotonic()
        ends = began + max(MINUTES * 60, WARM_SECONDS + 2 * LOOK_EVERY)
        look_at, weigh_at = began + LOOK_EVERY, began + WARM_SECONDS
        while time.monotonic() < ends:
            busy.go_on()
            if time.monotonic() >= look_at:
                look_at += LOOK_EVERY
                looks.append(page.evaluate(_LOOK))
            if time.monotonic() >= weigh_at:
                weigh_at += 60
                weights.append(scale.lightest(page))
                said.append(busy.said)
        # The time may be over while the encoder is away.
        busy.send_again()
        weights.append(scale.lightest(page))
        expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
    finally:
        busy.encoder.stop()
    lags = [one["lag_ms"] for one in looks if one["lag_ms"] is not None]
    figures = {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "weights": [asdict(one) for one in weights],
        "lag_ms_p50": statistics.median(lags),
        "lag_ms_max": max(lags),
        "buffered_s_max": round(max(one["buffered"] for one in looks), 1),
        "span_s_max": round(max(one["span"] for one in looks), 1),
        "lines": looks[-1]["lines"],
        "stalls": looks[-1]["stalls"],
        "said": busy.said,
        "pinned": busy.pinned,
        "sockets_lost": busy.sockets_lost,
        "encoders_lost": busy.encoders_lost,
    }
    print(json.dumps(figures))
    first, last = weights[0], weights[-1]
    lines = busy.said - said[0]
    assert last.heap - first.heap < HEAP_NOISE + lines * LINE_BYTES, figures
    assert last.objects - first.objects < OBJECTS_NOISE + lines * LINE_OBJECTS, figures
    assert last.nodes - first.nodes < NODES_NOISE, figures
    assert last.listeners - first.listeners < LISTENERS_NOISE, figures
    assert last.documents <= first.documents, figures
    assert figures["span_s_max"] <= MOST_BUFFERED_SECONDS, figures
    assert figures["lag_ms_p50"] <= MOST_LAG_MS, figures
    assert figures["lines"] <= 200, figures
    assert len(lags) >= len(looks) / 2, looks
