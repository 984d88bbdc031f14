"""The machine's Chromium, and pages that are signed in."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from shops.accounts.models import User

PATIENCE_SECONDS: Final = 40.0
_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Both pages are in use, whichever is in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]


def browser_path() -> str:
    """Return Chromium's path: LIVESHOP_CHROMIUM, else the PATH's.

    :raises SystemExit: there is none
    """
    named = os.environ.get("LIVESHOP_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    found = named or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("NO BROWSER on this machine: `make browser` says how to get one.")
    return found


@contextlib.contextmanager
def chromium(path: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def wait_until(page: "Page", condition: str) -> None:
    """Wait until a JavaScript expression is true in the page.

    Playwright's own way evaluates it in the page, where the page's content security policy forbids
    it.

    :raises TimeoutError: it was not within PATIENCE_SECONDS
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_SECONDS:.0f} s: {condition}")
        page.wait_for_timeout(100)


def session_cookie(user: "User") -> tuple[str, str]:
    """Sign a user in and return the name and value of the cookie that proves it."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value


def signed_in(browser: "Browser", url: str, user: "User", *, viewport: Any) -> "BrowserContext":
    """Open a context in which this user is signed in."""
    name, value = session_cookie(user)
    context = browser.new_context(
        base_url=url, viewport=viewport, permissions=["camera", "microphone"]
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    context.add_cookies([{"name": name, "value": value, "url": url}])
    return context
