"""A real browser on a real site. Needs Chromium: `make test-browser` says how to get one."""

import asyncio
import contextlib
import inspect
import os
import shutil
import sys
import types
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client

from creators.live import services as live
from tests.factories.catalog import ProductFactory, SkuFactory

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
_CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # The first two are more pages in each window, for an address bar that nobody sees; the others
    # Playwright would name, but only the last list counts.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "HttpsUpgrades,MediaRouter,PaintHolding,RenderDocument,Translate",
    # Cameras and microphones that show and say something, and may be used without a question.
    "--use-fake-device-for-media-stream=device-count=2",
    "--use-fake-ui-for-media-stream",
]


def find_browser():
    """Return the path of a Chromium of the machine, or None."""
    named = os.environ.get("LIVESHOP_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    return None


def _near_frames(_context):
    """Name the frames around a call of Playwright's, which wants to know who called what.

    By `inspect.stack` it looks for the files of all of pytest's frames as well: 5 ms at each call.
    """
    found, frame = [], sys._getframe(1)
    while frame is not None and len(found) < 8:
        code = frame.f_code
        at = frame, code.co_filename, frame.f_lineno, code.co_name
        found.append(inspect.FrameInfo(*at, code_context=None, index=None))
        frame = frame.f_back
    return found


class Chromium:
    """One Chromium for all tests of this process; each of them opens contexts of its own.

    Playwright's synchronous door leaves a loop running in this thread. Between the browser's tests
    it is hidden, or other tests could run no loop of theirs.
    """

    def __init__(self, path):
        self._path = path
        self._playwright = self._browser = self._loop = None

    @contextlib.contextmanager
    def awake(self):
        asyncio._set_running_loop(self._loop)
        try:
            self._start()
            yield self._browser
        finally:
            self._loop = asyncio._get_running_loop()
            asyncio._set_running_loop(None)

    def _start(self):
        from playwright._impl import _sync_base
        from playwright.sync_api import expect, sync_playwright

        _sync_base.inspect = types.SimpleNamespace(stack=_near_frames)
        # For machines that are busy.
        expect.set_options(timeout=10_000)
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(
                executable_path=self._path, args=_CHROMIUM_FLAGS
            )

    def end(self):
        if self._playwright is None:
            return
        asyncio._set_running_loop(self._loop)
        self._browser.close()
        self._playwright.stop()
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def chromium():
    one = Chromium(find_browser())
    yield one
    one.end()


@pytest.fixture
def browser(chromium, monkeypatch):
    """Chromium, with nothing open."""
    if find_browser() is None:
        message = "NO BROWSER on this machine: run `make test-browser` to get one"
        if os.environ.get("LIVESHOP_BROWSER") == "required":
            pytest.fail(message)
        pytest.skip(message)
    # Django would refuse to work where a loop runs.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium.awake() as browser:
        yield browser
        for context in browser.contexts:
            context.close()


@pytest.fixture
def origin(browser, site):
    """The site with its origin; the browser's loop comes first, as in `visit`."""
    site.start_one("origin")
    site.wait()
    yield site
    site.end("origin")


@pytest.fixture
def visit(browser, site):
    """visit(user, viewport=…, javascript=…, dark=…) opens a page signed in as `user` (or None)."""
    with contextlib.ExitStack() as contexts:

        def open_page(user=None, *, viewport=PHONE, javascript=True, dark=False):
            context = browser.new_context(
                base_url=site.url,
                viewport=viewport,
                java_script_enabled=javascript,
                color_scheme="dark" if dark else "light",
                has_touch=viewport is PHONE,
                reduced_motion="reduce",
            )
            contexts.callback(context.close)
            context.set_default_timeout(10_000)
            sign_in(context, user)
            page = context.new_page()
            page.on("pageerror", lambda error: page_errors.append(str(error)))
            page.on(
                "console",
                lambda line: page_errors.append(line.text) if line.type == "error" else None,
            )
            return page

        def sign_in(context, user):
            """Have `user` (None: a guest) see what the context opens from now on."""
            context.clear_cookies()
            if user is None:
                return
            client = Client()
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
            name = settings.SESSION_COOKIE_NAME
            session = {"name": name, "value": client.cookies[name].value, "url": site.url}
            context.add_cookies([session])

        page_errors: list[str] = []
        open_page.errors = page_errors
        open_page.sign_in = sign_in
        yield open_page


@pytest.fixture
def planned(bob, shop):
    """Bob's planned show with two products in its bag."""
    products = [ProductFactory(shop=shop, title=title) for title in ("Silk scarf", "Wool scarf")]
    for product in products:
        SkuFactory(product=product, options=[], on_hand=9)
    now = datetime.now(UTC)
    session = live.schedule_show(
        creator=bob.creator,
        title="Scarves for autumn",
        scheduled_at=now,
        product_ids=[product.pk for product in products],
        now=now,
    )
    session.products = products
    return session
