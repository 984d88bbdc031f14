"""So many requests a minute for each token; then 429, until the minute is over."""

import pytest
from django.core.cache import cache

from shops.webhooks import limits
from shops.webhooks.models import ApiToken
from tests.factories.webhooks import bearer, token_for

pytestmark = pytest.mark.django_db
AT = 1_800_000_000 + 18  # 42 s before a minute ends


class Clock:
    def __init__(self, at):
        self.at = at

    def time(self):
        return self.at


@pytest.fixture
def clock(settings, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 3
    made = Clock(AT)
    monkeypatch.setattr(limits, "time", made)
    monkeypatch.setattr(limits, "_counted", (0, {}))
    cache.clear()
    return made


@pytest.fixture
def ask(client, alice):
    token = bearer(token_for(alice))

    def get(**headers):
        return client.get("/api/v1/cart", **(headers or token))

    return get


def test_beyond_the_limit_it_is_refused_until_the_minute_is_over(clock, ask):
    answers = [ask() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["RateLimit"] for answer in answers[:3]] == [
        '"api";r=2;t=42',
        '"api";r=1;t=42',
        '"api";r=0;t=42',
    ]
    no = answers[-1]
    assert no.headers["RateLimit-Policy"] == '"api";q=3;w=60'
    assert no.headers["Retry-After"] == "42"
    assert no.headers["Content-Type"] == "application/problem+json"
    assert (no.json()["code"], no.json()["status"]) == ("throttled", 429)
    clock.at += 42
    assert ask().status_code == 200


def test_each_token_and_each_browser_has_its_own(clock, client, ask, alice, erin):
    for _ in range(4):
        ask()
    assert ask(**bearer(token_for(alice))).status_code == 200
    assert ask(**bearer(token_for(erin))).status_code == 200
    client.force_login(alice)
    assert client.get("/api/v1/cart").status_code == 200


def test_processes_tell_each_other(clock, ask, settings, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 15
    for _ in range(10):
        ask()
    monkeypatch.setattr(limits, "_counted", (0, {}))  # another process
    answers = [ask().status_code for _ in range(11)]
    # It learns of the others' ten with its own tenth.
    assert (answers[:9], answers[9:]) == ([200] * 9, [429, 429])


def test_who_asks_little_costs_no_question(clock, ask, settings):
    settings.API_REQUESTS_PER_MINUTE = 600
    for _ in range(9):
        ask()
    token = ApiToken.objects.get()
    assert cache.get(f"api:t{token.pk}:{AT // 60}") is None
    ask()
    assert cache.get(f"api:t{token.pk}:{AT // 60}") == 10


def test_nobody_is_refused_because_the_cache_is_away(clock, ask, monkeypatch):
    from redis.exceptions import ConnectionError

    def away(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr(cache, "incr", away)
    assert {ask().status_code for _ in range(3)} == {200}


def test_without_a_limit_nothing_is_counted(clock, ask, settings):
    settings.API_REQUESTS_PER_MINUTE = 0
    assert "RateLimit" not in ask().headers
