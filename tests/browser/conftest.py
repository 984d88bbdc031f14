"""A real browser on a real site. Needs Chromium: `make test-browser` says how to get one."""

import contextlib
import os
import shutil
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


@pytest.fixture
def browser(monkeypatch):
    """Chromium, fresh for each test."""
    path = find_browser()
    if path is None:
        message = "NO BROWSER on this machine: run `make test-browser` to get one"
        if os.environ.get("LIVESHOP_BROWSER") == "required":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous door runs a loop in this thread, which Django would refuse.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


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
            if user is not None:
                client = Client()
                client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
                context.add_cookies(
                    [
                        {
                            "name": settings.SESSION_COOKIE_NAME,
                            "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                            "url": site.url,
                        }
                    ]
                )
            page = context.new_page()
            page.on("pageerror", lambda error: page_errors.append(str(error)))
            page.on(
                "console",
                lambda line: page_errors.append(line.text) if line.type == "error" else None,
            )
            return page

        page_errors: list[str] = []
        open_page.errors = page_errors
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
