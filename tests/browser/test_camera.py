"""Going on camera in a real browser with fake devices; the test plays the origin."""

import asyncio
import re
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import imageio_ffmpeg
import pytest
import uvicorn
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from creators.media import access, camera, texts
from creators.media.publishing import Refusal
from tests.browser.conftest import DESKTOP
from tests.servers import free_port

pytestmark = pytest.mark.browser

STREAM = uuid4()
STYLES = ("tokens", "base", "layout", "parts", "fields", "surfaces", "data")


# A browser that understands every word, so long as it is this one.
SPEECH = """
window.SpeechRecognition = class {
  start() {
    const result = Object.assign([{ transcript: `hello in ${this.lang}` }], { isFinal: true });
    setTimeout(() => this.onresult({ resultIndex: 0, results: [result] }), 50);
  }
  stop() {}
};
document.addEventListener("camera:caption", (event) => (window.caption = event.detail));
"""


class Intake:
    """Keeps what comes."""

    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()
        self.data = bytearray()
        self.captured_at = None
        self.is_closed = False

    async def write(self, data):
        self.data += data

    def note_capture(self, at):
        self.captured_at = at

    async def close(self):
        self.is_closed = True


class Origin:
    """One page with the camera, and the origin that it sends to, in a thread."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.intakes = []
        self.page = self._page()
        self._starlette = Starlette(
            routes=[
                Route("/", lambda _: HTMLResponse(self.page, headers=self._policy())),
                Route("/address/", self._address, methods=["POST"]),
                Route("/static/{path:path}", self._static),
            ]
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                port=self.port,
                log_level="error",
                lifespan="off",
                interface="asgi3",
                ws="websockets-sansio",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(10)

    async def by_token(self, stream_id, token, *, container, address):
        self.intakes.append(Intake())
        self.loop = asyncio.get_running_loop()
        return self.intakes[-1]

    def cut_off(self, code):
        self.loop.call_soon_threadsafe(self.intakes[-1].ended.set_result, Refusal(code))

    async def _app(self, scope, receive, send):
        if scope["type"] == "websocket":
            await camera.camera(scope, receive, send, reception=self)
        else:
            await self._starlette(scope, receive, send)

    def _policy(self):
        return {
            "Content-Security-Policy": f"default-src 'self'; connect-src 'self' "
            f"ws://127.0.0.1:{self.port}"
        }

    async def _address(self, request):
        token = access.sign(
            STREAM, purpose="publish", until=datetime.now(UTC) + timedelta(minutes=5)
        )
        url = f"ws://127.0.0.1:{self.port}/ingest/{STREAM}/{token}/"
        return JSONResponse({"url": url, "max_kbps": 8000})

    async def _static(self, request):
        found = finders.find(request.path_params["path"])
        return FileResponse(found) if found else Response(status_code=404)

    def _page(self):
        part = render_to_string(
            "media/camera.html",
            {"address_url": "/address/", "texts": texts.for_camera(), "language": "en"},
        )
        links = "".join(
            f'<link rel="stylesheet" href="/static/liveshop/css/{name}.css">' for name in STYLES
        )
        icon = '<link rel="icon" href="/static/liveshop/img/favicon.svg">'
        return (
            f'<!doctype html><html lang="en"><head>{icon}{links}</head><body>{part}</body></html>'
        )


@pytest.fixture
def origin():
    with Origin() as one:
        yield one


@pytest.fixture
def page(browser, origin):
    errors = []
    context = browser.new_context(base_url=origin.url, viewport=DESKTOP)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.add_init_script(SPEECH)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("response", lambda got: errors.append(got.url) if got.status >= 400 else None)
    page.goto("/")
    yield page
    context.close()
    assert errors == []


def _pictures(data, tmp_path):
    """Return a recording's pictures as (ms, is it a key frame?), and what ffmpeg said of it."""
    path = tmp_path / "sent"
    path.write_bytes(data)
    copied = ["-map", "0:v", "-c", "copy", "-f", "framecrc", "-"]
    read = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "info", "-i", path, *copied],
        capture_output=True,
        text=True,
        check=False,
    )
    frames = [line.split(",") for line in read.stdout.splitlines() if line and line[0] != "#"]
    return [(int(fields[2]), "F=0x0" not in fields[-1]) for fields in frames], read.stderr


def _shown(page):
    return page.locator("[data-camera-state]")


@pytest.mark.long
def test_a_host_chooses_sees_herself_goes_on_camera_and_comes_back_after_a_drop(
    page, origin, tmp_path
):
    page.evaluate(
        """() => { const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async () => {
          navigator.mediaDevices.getUserMedia = real;
          throw new DOMException("no", "NotAllowedError"); }; }"""
    )
    page.get_by_role("button", name="Turn the camera on").click()
    expect(page.get_by_role("alert")).to_contain_text("Allow camera and microphone")

    page.get_by_label("Quality").select_option("480p")
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Turn the camera on").click()
    expect(_shown(page)).to_have_text("Preview: nothing is sent yet")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("button", name="Go on camera")).to_be_focused()
    cameras = page.get_by_label("Camera", exact=True)
    expect(cameras.locator("option")).to_have_count(2)
    expect(page.get_by_label("Microphone").locator("option").first).to_have_text(re.compile("Fake"))
    preview, level = page.locator("[data-camera-preview]"), page.locator("[data-camera-level]")
    _wait(page, lambda: preview.evaluate("one => one.videoHeight") == 480)
    # The fake microphone beeps: how far the level falls between two beeps is the machine's affair.
    seen = []
    _wait(page, lambda: seen.append(level.evaluate("one => one.value")) or max(seen) > 0.1)
    _wait(page, lambda: level.evaluate("one => one.value") < max(seen) - 0.05)
    assert origin.intakes == []

    page.get_by_label("Live captions").check()
    page.get_by_label("Language of the captions").select_option("it")
    page.wait_for_timeout(400)
    assert page.evaluate("window.caption") is None
    page.get_by_role("button", name="Go on camera").click()
    expect(_shown(page)).to_have_text("Sending. Only you see it until you go live.")
    expect(page.get_by_role("button", name="Stop the camera")).to_be_focused()
    page.locator("[data-camera]").evaluate("one => { one.dataset.onAir = 'true' }")
    expect(_shown(page)).to_have_text("On air: viewers see you")
    _wait(page, lambda: page.evaluate("window.caption?.text") == "hello in it-IT")
    assert page.evaluate("window.caption.lang") == "it"
    [first] = origin.intakes

    def has_key_frames():
        return sum(is_key for _, is_key in _pictures(bytes(first.data), tmp_path)[0]) >= 3

    _wait(page, has_key_frames, every_ms=400)
    assert first.data.startswith(b"\x1aE\xdf\xa3")
    assert abs(first.captured_at - datetime.now(UTC).timestamp()) < 30

    cameras.select_option(index=1)
    expect(_shown(page)).to_have_text("On air: viewers see you")
    # The recorder's first piece may be a single byte.
    _wait(page, lambda: len(origin.intakes) == 2 and len(origin.intakes[1].data) > 3)
    assert first.is_closed
    pictures, read = _pictures(bytes(first.data), tmp_path)
    assert "h264" in read
    # Asked for each second. A machine that is busy skips pictures: only those that are there tell.
    key = 0
    for at, is_key in pictures:
        key = at if is_key else key
        assert at - key < 1_500
    second = origin.intakes[1]
    assert second.data.startswith(b"\x1aE\xdf\xa3")

    origin.cut_off("unavailable")
    _wait(page, lambda: len(origin.intakes) == 3 and len(origin.intakes[2].data) > 0)
    expect(_shown(page)).to_have_text("On air: viewers see you")

    page.get_by_role("button", name="Stop the camera").click()
    expect(_shown(page)).to_have_text("Preview: nothing is sent yet")
    _wait(page, lambda: all(one.is_closed for one in origin.intakes))
    assert page.evaluate("JSON.parse(localStorage['liveshop.camera']).camera") == (
        cameras.input_value()
    )


def _wait(page, true, *, every_ms=50, patience_ms=10_000):
    for _ in range(patience_ms // every_ms):
        if true():
            return
        page.wait_for_timeout(every_ms)
    raise AssertionError("that did not happen")
