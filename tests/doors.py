"""Visitors who come in by the site's own doors: HTTP with CSRF, and websockets with an origin."""

import contextlib
import json
import random
import re
import time
import uuid

import httpx
from django.conf import settings
from django.test import Client
from websockets.sync.client import connect

# A browser's own token: the site asks only that cookie and header are the same.
_CSRF = "c" * 32


class Visitor:
    """One browser, without the browser: its cookies, forms and sockets. Signed in as `user`."""

    def __init__(self, site, user=None):
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=60)
        self.http.cookies.set(settings.CSRF_COOKIE_NAME, _CSRF, domain="127.0.0.1")
        self.user = user
        if user is not None:
            client = Client()
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
            self.http.cookies.set(
                settings.SESSION_COOKIE_NAME,
                client.cookies[settings.SESSION_COOKIE_NAME].value,
                domain="127.0.0.1",
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def get(self, path, **kwargs):
        return self.http.get(path, **kwargs)

    def post(self, path, data=None, *, json_answer=False, headers=None, **kwargs):
        sent = {
            "X-CSRFToken": _CSRF,
            "Origin": self.site.url,
            **({"Accept": "application/json"} if json_answer else {}),
            **(headers or {}),
        }
        return self.http.post(path, data=data, headers=sent, **kwargs)

    def socket(self, path, *, origin=None):
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies.jar)
        return Socket(
            connect(
                self.site.url.replace("http", "ws", 1) + path,
                origin=origin or self.site.url,
                additional_headers={"Cookie": cookies} if cookies else {},
                open_timeout=20,
                compression=None,
            )
        )

    def buy(self, sku_id, *, quantity=1, referral="", card="tok_success"):
        """Put goods in the cart, get a quote and order; returns the last answer."""
        answer = self.post(
            "/cart/add/",
            {"sku": sku_id, "quantity": quantity, "referral": referral},
            json_answer=True,
        )
        if answer.status_code >= 400:
            return answer
        return self.checkout(card=card)

    def buy_patiently(self, sku_id, *, quantity=1):
        """Buy, and ask again by the same keys as often as one is told to (503)."""
        adding = {"Idempotency-Key": f"add-{uuid.uuid4()}"}
        wanted = {"sku": sku_id, "quantity": quantity}
        answer = _patiently(
            lambda: self.post("/cart/add/", wanted, json_answer=True, headers=adding)
        )
        if answer.status_code >= 400:
            return answer
        page = _patiently(lambda: self.get("/checkout/"))
        found = _order_form(page)
        if found is None:
            return page
        action, form = found
        return _patiently(lambda: self.post(action, form, json_answer=True))

    def checkout(self, *, card="tok_success", key=None):
        page = self.get("/checkout/")
        found = _order_form(page)
        if found is None:
            return page
        action, form = found
        form["card_token"] = card
        form["idempotency_key"] = key or form["idempotency_key"]
        return self.post(action, form, json_answer=True)


def _order_form(page):
    """Read where the checkout's form goes to and what it sends; None: there is none."""
    place = re.search(r'action="(/checkout/[0-9a-f-]{36}/place/)"', page.text)
    if place is None:
        return None
    return place[1], {
        "address_choice": re.search(r'name="address_choice"[^>]*value="(\d+)"', page.text)[1],
        "card_token": "tok_success",
        "idempotency_key": re.search(r'name="idempotency_key"[^>]*value="([^"]+)"', page.text)[1],
    }


def _patiently(ask):
    for _ in range(30):
        answer = ask()
        if answer.status_code != 503:
            break
        time.sleep(random.uniform(0.2, 1.0))
    return answer


class Socket:
    """A stage socket that remembers what it was sent."""

    def __init__(self, opening):
        self._opening = opening
        self.frames = []

    def __enter__(self):
        self.connection = self._opening.__enter__()
        return self

    def __exit__(self, *error):
        return self._opening.__exit__(*error)

    def send(self, message):
        self.connection.send(json.dumps(message))

    @property
    def events(self):
        return [event for frame in self.frames for event in frame.get("events", [])]

    def next(self, timeout=10):
        frame = json.loads(self.connection.recv(timeout=timeout))
        self.frames.append(frame)
        return frame

    def until(self, predicate, *, timeout=15):
        """Read until a message or event satisfies the predicate, and return that one."""
        deadline = time.monotonic() + timeout
        for seen in [*self.frames, *self.events]:
            if predicate(seen):
                return seen
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                frame = self.next(left)
                for seen in [frame, *frame.get("events", [])]:
                    if predicate(seen):
                        return seen
        raise AssertionError(f"nothing of that kind came; {len(self.frames)} frames: {self.frames}")

    def event(self, kind, **fields):
        return self.until(
            lambda seen: (
                seen.get("t") == kind
                and all(seen.get(name) == value for name, value in fields.items())
            )
        )
