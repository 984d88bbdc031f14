"""How far behind a viewer's picture is, read from the picture itself: `make bench-video`.

A private site (its own PostgreSQL, Valkey, origin, web and worker) has a show, and a viewer's page
in headless Chromium plays it at 390 × 844 by the site's own player. The picture carries a clock
that machines read (liveshop/demo/clock.py), and all is on one machine, so a clock in the picture
can be compared with the time. It is sent

- `rtmp`: by ffmpeg over RTMP: the demo's studio, 720 × 1280, 25 pictures a second, H.264 and AAC;
- `browser`: by the host's console in another page of Chromium, through the site's own camera.
  Chromium's fake camera plays a file, which can't know what time it is: `getUserMedia` is replaced
  by a canvas that draws the clock. All after that is what any host's browser does: MediaRecorder,
  websocket, origin.

The last line is one JSON object, {"rtmp": {…}, "browser": {…}}; each has

- true_lag_p50_s, true_lag_p95_s: from when a picture was drawn until the viewer's page shows it
  (each fifth picture);
- pdt_error_s: the median of |the playlist's date of the picture shown − the clock in it|;
- pin_sync_error_p95_s: bob pins a product at server time T; in the moment in which the viewer's
  page shows its card, |the clock in the picture − T|;
- origin_cpu_percent, origin_rss_mb: of the origin's process and its ffmpeg, as percent of one core;
- pins, readings, unread, dropped, stalls: how many pins and pictures were judged, in how many the
  clock could not be read, how many the browser dropped, how often it stood still.

It ends with status 1 when one of BARS is missed. A busy machine (this one encodes, decodes and
serves all at once) makes it worse, never better: two idle cores are needed.
"""

import argparse
import contextlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.browsers import browser_path, chromium, signed_in, wait_until
from benchmarks.private_site import Site, private_site
from benchmarks.processes import cpu_seconds, memory_mb

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from creators.live.models import LiveSession
    from shops.accounts.models import User

HERE: Final = Path(__file__).resolve().parent
PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1280, "height": 800}
BARS: Final = {
    "rtmp": {
        "true_lag_p50_s": 1.5,
        "pdt_error_s": 0.2,
        "pin_sync_error_p95_s": 0.3,
        "origin_cpu_percent": 5.0,
    },
    "browser": {
        "true_lag_p50_s": 2.5,
        "pdt_error_s": 0.2,
        "pin_sync_error_p95_s": 0.3,
        "origin_cpu_percent": 5.0,
    },
}
LEAST_PINS: Final = 10
# Until the player has come as near as it wants to.
SETTLE_SECONDS: Final = 12.0
PIN_EVERY_SECONDS: Final = 4.0
# hls.js is the page's own; the bench only takes hold of the player that the page makes of it.
_HOLD: Final = """
;{{
  const attach = {name}.prototype.attachMedia;
  {name}.prototype.attachMedia = function (...given) {{
    globalThis.videoBench.player = this;
    return attach.apply(this, given);
  }};
}}
"""


class NoPicture(Exception):
    """The viewer's page shows no picture that can be measured."""


@dataclass(frozen=True)
class Show:
    """What is on: the show, its host, and what can be pinned."""

    session: "LiveSession"
    host: "User"
    product_ids: list[int]


def begin_show(title: str) -> Show:
    """Let bob be live, with a full bag."""
    from creators.live import services as live
    from creators.profiles.models import Creator
    from liveshop.demo import people
    from liveshop.demo.catalogue import seed_catalogue
    from shops.catalog.models import Product

    now = datetime.now(UTC)
    if not Creator.objects.exists():
        people.seed_people(password=secrets.token_urlsafe(12), now=now)
        people.seed_categories()
        seed_catalogue(now=now)
        people.seed_creators(now=now)
    bob = Creator.objects.select_related("user").get(handle="bob")
    products = Product.objects.filter(status=Product.Status.ACTIVE, skus__stock__on_hand__gt=0)
    ids = sorted(set(products.values_list("pk", flat=True)))[:12]
    session = live.schedule_show(
        creator=bob, title=title, scheduled_at=now, product_ids=ids, now=now
    )
    session = live.start_show(piece_id=session.pk, by=bob.user, now=now)
    return Show(session, bob.user, ids)


def end_show(show: Show) -> None:
    from creators.live import services as live

    live.end_show(piece_id=show.session.pk, by=show.host, now=datetime.now(UTC))


@contextlib.contextmanager
def sent_by_rtmp(site: Site, show: Show) -> Iterator[None]:
    """Have a process of its own send the studio's picture by bob's key."""
    from creators.media.services import make_key

    key = make_key(creator=show.session.piece.creator, now=datetime.now(UTC))
    command = [sys.executable, "-m", "benchmarks.sender"]
    environment = {**site.environment, "BENCH_RTMP_KEY": key}
    with (site.state / "sender.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def sent_by_browser(
    browser: "Browser", site: Site, show: Show, *, size: tuple[int, int]
) -> Iterator[None]:
    """Go on camera in bob's console."""
    context = signed_in(browser, site.url, show.host, viewport=DESKTOP)
    page = context.new_page()
    page.add_init_script(f"globalThis.fakeCameraSize = {list(size)};")
    for name in ("clock.js", "fake_camera.js"):
        page.add_init_script(path=HERE / name)
    page.goto(f"/live/{show.session.pk}/console/")
    page.wait_for_selector("[data-camera-body]", state="attached")
    press(page, "[data-camera-on]")
    wait_until(page, "!document.querySelector('[data-camera-go]').hidden")
    # Presses in quick succession are taken for one.
    page.wait_for_timeout(1000)
    press(page, "[data-camera-go]")
    try:
        yield
    finally:
        # Straight away: the page would ask whether to leave.
        context.close()


def press(page: "Page", selector: str) -> None:
    """Press a button that may lie in a closed part of the page."""
    wait_until(page, f"document.querySelector({selector!r})?.disabled === false")
    page.evaluate(f"document.querySelector({selector!r}).click()")


def open_viewer(browser: "Browser", site: Site, show: Show) -> "Page":
    """Open the show as a guest on a phone, and wait until the picture moves."""
    context = browser.new_context(base_url=site.url, viewport=PHONE, reduced_motion="reduce")
    page = context.new_page()
    for name in ("clock.js", "probe.js"):
        page.add_init_script(path=HERE / name)

    def with_hold(route: Any) -> None:
        answer = route.fetch()
        text = answer.text()
        name = text.rpartition(" as default")[0].rpartition("{")[2].rpartition(",")[2].strip()
        route.fulfill(response=answer, body=text + _HOLD.format(name=name))

    page.route("**/vendor/hls.js", with_hold)
    page.goto(f"/live/{show.session.pk}/")
    try:
        wait_until(page, "globalThis.videoBench.readings.length > 3")
    except TimeoutError as error:
        raise NoPicture(f"no picture came: {error}") from error
    return page


def pin_in_turn(site: Site, show: Show, *, seconds: float) -> list[tuple[int, float]]:
    """Pin one product after the other over the site's door; returns product and T (ms) of each."""
    import httpx

    from creators.live.models import Pin

    token = secrets.token_hex(16)
    cookies = {**signed_in_cookies(show.host), "csrftoken": token}
    until = time.monotonic() + seconds
    with httpx.Client(base_url=site.url, cookies=cookies, timeout=10) as client:
        number = 0
        while time.monotonic() < until:
            product = show.product_ids[number % len(show.product_ids)]
            answer = client.post(
                f"/live/{show.session.pk}/pin/",
                data={"product": product},
                headers={"X-CSRFToken": token, "Accept": "application/json"},
            )
            answer.raise_for_status()
            number += 1
            time.sleep(PIN_EVERY_SECONDS)
    pins = Pin.objects.filter(session=show.session).order_by("pk")
    return [(pin.product_id, pin.pinned_at.timestamp() * 1000) for pin in pins]


def signed_in_cookies(user: "User") -> dict[str, str]:
    from benchmarks.browsers import session_cookie

    name, value = session_cookie(user)
    return {name: value}


def measure(site: Site, page: "Page", show: Show, *, seconds: float) -> dict[str, float | int]:
    """Read the viewer's page for a while, and what the origin used meanwhile."""
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    origin = site.processes["origin"].pid
    page.evaluate("Object.assign(videoBench, { readings: [], pins: [], unread: 0, stalls: 0 })")
    dropped = page.evaluate("videoBench.quality().dropped")
    cpu, began = cpu_seconds(origin), time.monotonic()
    # In steps, so that the page's own events go on being taken in.
    pinned = pin_in_turn(site, show, seconds=seconds)
    cpu_percent = (cpu_seconds(origin) - cpu) / (time.monotonic() - began) * 100
    memory = memory_mb(origin)
    page.wait_for_timeout(3000)
    found = page.evaluate(
        "(({ readings, pins, unread, stalls }) =>"
        " ({ readings, pins, unread, stalls, ...videoBench.quality() }))(videoBench)"
    )
    lags = [one["wall"] - one["clock"] for one in found["readings"]]
    errors = [abs(one["date"] - one["clock"]) for one in found["readings"] if one["date"]]
    # A product comes again after most of a minute only: its nearest pin is the one that is shown.
    apart = [
        min(abs(one["clock"] - at) for product, at in pinned if product == one["product"])
        for one in found["pins"]
        if one["clock"] and one["product"] in dict(pinned)
    ]
    if len(lags) < seconds or len(apart) < min(LEAST_PINS, seconds // PIN_EVERY_SECONDS) - 1:
        raise NoPicture(
            f"only {len(lags)} pictures and {len(apart)} pins could be judged "
            f"({found['unread']} pictures without a clock)"
        )
    return {
        "true_lag_p50_s": _seconds(statistics.median(lags)),
        "true_lag_p95_s": _seconds(_p95(lags)),
        "pdt_error_s": _seconds(statistics.median(errors)),
        "pin_sync_error_p95_s": _seconds(_p95(apart)),
        "origin_cpu_percent": round(cpu_percent, 2),
        "origin_rss_mb": round(memory, 1),
        "pins": len(apart),
        "readings": len(lags),
        "unread": found["unread"],
        "dropped": found["dropped"] - dropped,
        "stalls": found["stalls"],
    }


def _seconds(ms: float) -> float:
    return round(ms / 1000, 3)


def _p95(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def missed(found: dict[str, dict[str, float | int]]) -> list[str]:
    """Say in words which bars were missed."""
    return [
        f"{kind}: {name} is {figures[name]}, more than {bar}"
        for kind, figures in found.items()
        for name, bar in BARS[kind].items()
        if figures[name] > bar
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long each is measured")
    parser.add_argument("--only", choices=sorted(BARS), help="one of both ways only")
    parser.add_argument("--camera-size", default="960x540", help="of the canvas, WIDTHxHEIGHT")
    options = parser.parse_args()
    width, height = (int(length) for length in options.camera_size.split("x"))
    path = browser_path()
    # Playwright's synchronous door runs a loop in this thread, which Django would refuse.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    found: dict[str, dict[str, float | int]] = {}
    with private_site() as site, chromium(path) as browser:
        for kind in [options.only] if options.only else sorted(BARS, reverse=True):
            print(f"{kind}: {options.seconds:.0f} s …", flush=True)
            show = begin_show(f"Bench by {kind}")
            sending = (
                sent_by_rtmp(site, show)
                if kind == "rtmp"
                else sent_by_browser(browser, site, show, size=(width, height))
            )
            try:
                with sending:
                    page = open_viewer(browser, site, show)
                    found[kind] = measure(site, page, show, seconds=options.seconds)
                    page.context.close()
            except NoPicture as error:
                print(f"{kind}: {error}\n{_last_words(site)}", file=sys.stderr)
                return 1
            end_show(show)
    problems = missed(found)
    for problem in problems:
        print(problem)
    print(json.dumps(found))
    return 1 if problems else 0


def _last_words(site: Site) -> str:
    logs = [site.log(name) for name in ("origin", "sender", "web")]
    return "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs if log.exists()
    )


if __name__ == "__main__":
    sys.exit(main())
