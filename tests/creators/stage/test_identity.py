"""Who is at a socket: as Django judges a request, for all who wait together, kept true."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user, login
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from creators.pieces.access import invite_for, remember_invite
from creators.stage import identity
from creators.stage.identity import Identities, _load, _stale, is_allowed_origin
from shops.accounts.models import Grant, Role
from shops.accounts.services import session_hash
from tests.factories.accounts import UserFactory


def session_of(user=None, **data):
    """Make a session as signing in does, and return its key."""
    request = HttpRequest()
    request.session = SessionStore()
    request.session.update(data)
    if user is not None:
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return request.session.session_key


def as_django_sees(key):
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)


def loaded(key):
    found = _load([key]).get(key)
    return None if found is None else found.identity


def test_a_signed_in_user(alice):
    key = session_of(alice)
    found = loaded(key)
    assert (found.user_id, found.name, found.viewer) == (alice.pk, "Alice", f"u:{alice.pk}")
    assert (found.room, found.session_hash) == (f"me:{alice.pk}", session_hash(key))
    assert not found.is_operator


def test_a_guest_with_a_cart_and_an_invite(db):
    token, session = uuid4(), {}
    remember_invite(session, 7, invite_for(7))
    found = loaded(session_of(cart_token=str(token), **session))
    assert (found.user_id, found.room, found.invites) == (None, f"cart:{token}", frozenset([7]))
    assert found.viewer == f"a:{found.session_hash}"


@pytest.mark.parametrize("way", ["superuser", "grant"])
def test_operators(alice, way):
    if way == "superuser":
        alice.is_superuser = True
        alice.save()
    else:
        Grant.objects.create(user=alice, role=Role.OPERATOR)
    assert loaded(session_of(alice)).is_operator


def ended(user):
    key = session_of(user)
    Session.objects.filter(pk=key).update(expire_date=datetime.now(UTC) - timedelta(seconds=1))
    return key


def with_another_password(user):
    key = session_of(user)
    user.set_password("another")
    user.save()
    return key


def inactive(user):
    key = session_of(user)
    user.is_active = False
    user.save()
    return key


def forged(user):
    key = session_of(user)
    data = Session.objects.get(pk=key).session_data
    Session.objects.filter(pk=key).update(
        session_data=data[:-1] + ("A" if data[-1] != "A" else "B")
    )
    return key


def without_a_hash(user):
    key = session_of(user)
    store = SessionStore(key)
    del store["_auth_user_hash"]
    store.save()
    return key


def of_another_backend(user):
    key = session_of(user)
    store = SessionStore(key)
    store["_auth_user_backend"] = "no.such.Backend"
    store.save()
    return key


@pytest.mark.parametrize(
    "spoil", [ended, with_another_password, inactive, forged, without_a_hash, of_another_backend]
)
def test_who_fails_is_nobody_as_for_django(alice, spoil):
    key = spoil(alice)
    found = loaded(key)
    assert found is None or found.user_id is None
    assert not as_django_sees(key).is_authenticated


def test_a_session_signed_with_a_former_secret_counts(alice, settings):
    settings.SECRET_KEY, now = "former" * 10, settings.SECRET_KEY
    key = session_of(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = now, ["former" * 10]
    assert loaded(key).user_id == alice.pk
    assert as_django_sees(key) == alice


def test_many_cost_one_query_for_sessions_and_one_for_users(db):
    keys = [session_of(UserFactory()) for _ in range(5)] + [session_of(cart_token=str(uuid4()))]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(_load([*keys, "nosuchsession"])) == 6
    assert len(queries) == 2


@pytest.mark.parametrize(
    "change",
    ["ended", "saved", "password", "name", "inactive", "operator", "no_operator", "nothing"],
)
def test_what_changes_is_found_by_two_queries(alice, bob, change):
    if change == "no_operator":
        Grant.objects.create(user=alice, role=Role.OPERATOR)
    key, other = session_of(alice), session_of(bob)
    kept = list(_load([key, other]).values())
    match change:
        case "ended":
            Session.objects.filter(pk=key).delete()
        case "saved":
            store = SessionStore(key)
            store["cart_token"] = str(uuid4())
            store.save()
        case "password":
            alice.set_password("x")
            alice.save()
        case "name":
            alice.display_name = "Al"
            alice.save()
        case "inactive":
            alice.is_active = False
            alice.save()
        case "operator":
            Grant.objects.create(user=alice, role=Role.OPERATOR)
        case "no_operator":
            Grant.objects.filter(user=alice).delete()
    with CaptureQueriesContext(connection) as queries:
        stale = _stale(kept)
    assert stale == (set() if change == "nothing" else {key})
    assert len(queries) == 2


# --- In the process: with a load that counts instead of PostgreSQL ------------------------------


def kept(identities, key):
    return identities._known(session_hash(key))


class Rows:
    """What `_load` would read: session key -> identity; counts how often it was asked."""

    def __init__(self, monkeypatch):
        self.rows = {}
        self.asked = []
        monkeypatch.setattr(identity, "_load", self.load)
        monkeypatch.setattr(identity, "_stale", self.stale)

    def add(self, key, **fields):
        self.rows[key] = identity.Identity(
            user_id=1,
            name="Alice",
            session_key=key,
            session_hash=session_hash(key),
            cart_token=None,
            invites=frozenset(),
            is_operator=False,
            viewer="u:1",
        )
        for name, value in fields.items():
            object.__setattr__(self.rows[key], name, value)

    def load(self, keys):
        self.asked.append(sorted(keys))
        return {
            key: identity._Kept(self.rows[key], str(id(self.rows[key])), "", 0.0)
            for key in keys
            if key in self.rows
        }

    def stale(self, kept):
        return {
            one.identity.session_key
            for one in kept
            if one.session_version != str(id(self.rows.get(one.identity.session_key)))
        }


@pytest.fixture
def rows(monkeypatch):
    return Rows(monkeypatch)


@pytest.fixture(autouse=True)
async def _no_connection_stays():
    yield
    await sync_to_async(connections.close_all)()


KEYS = [f"session{n:03}" for n in range(30)]


async def test_those_who_wait_together_are_asked_for_together(rows):
    for key in KEYS:
        rows.add(key)
    identities = Identities()
    found = await asyncio.gather(*(identities.identify(key) for key in [*KEYS, *KEYS]))
    assert [one.session_key for one in found] == [*KEYS, *KEYS]
    assert rows.asked == [KEYS]
    again = await asyncio.gather(*(identities.identify(key) for key in KEYS))
    assert rows.asked == [KEYS]
    assert all(one is other for one, other in zip(again, found, strict=False))


@pytest.mark.parametrize("key", [None, "", "short", "x" * 41, "no\0body0", "ключключ", "a b c d e"])
async def test_a_guest_without_a_session_costs_nothing(rows, key):
    identities = Identities()
    first, second = await identities.identify(key), await identities.identify(key)
    assert first.user_id is first.session_key is None
    assert first.room == ""
    assert first.viewer != second.viewer
    assert rows.asked == []


async def test_a_forged_cookie_is_a_guest_and_is_not_kept(rows):
    identities = Identities()
    assert (await identities.identify("forgedkey")).session_key is None
    assert kept(identities, "forgedkey") is None


async def test_signing_out_forgets_even_what_is_just_being_loaded(rows):
    rows.add(KEYS[0])
    identities = Identities()
    loading = asyncio.ensure_future(identities.identify(KEYS[0]))
    await asyncio.sleep(0)
    identities.signed_out(session_hash(KEYS[0]))
    assert (await loading).user_id is None
    assert (await identities.identify(KEYS[0])).user_id is None


async def test_fresh_asks_anew(rows):
    rows.add(KEYS[0])
    identities = Identities()
    await identities.identify(KEYS[0])
    rows.add(KEYS[0], invites=frozenset([7]))
    assert not (await identities.identify(KEYS[0])).invites
    assert (await identities.identify(KEYS[0], fresh=True)).invites == {7}
    assert kept(identities, KEYS[0]).invites == {7}


async def test_the_round_tells_who_changed_and_who_ended(rows):
    for key in KEYS[:3]:
        rows.add(key)
    identities = Identities()
    there = [await identities.identify(key) for key in KEYS[:3]]
    assert await identities.verify(there) == {}
    assert len(rows.asked) == 3
    rows.add(KEYS[1], name="Al")
    del rows.rows[KEYS[2]]
    changed = await identities.verify(there)
    assert changed == {KEYS[1]: rows.rows[KEYS[1]], KEYS[2]: None}
    assert kept(identities, KEYS[2]) is None
    # A socket that still has the former identity is told again.
    assert (await identities.verify(there))[KEYS[1]].name == "Al"


async def test_an_unchanged_row_of_a_new_version_is_no_change(rows):
    rows.add(KEYS[0])
    identities = Identities()
    there = await identities.identify(KEYS[0])
    rows.add(KEYS[0])
    assert await identities.verify([there]) == {}
    assert kept(identities, KEYS[0]) is there


async def test_who_left_is_dropped_after_a_while_and_who_is_there_never(rows):
    rows.add(KEYS[0])
    rows.add(KEYS[1])
    identities = Identities()
    there = await identities.identify(KEYS[0])
    await identities.identify(KEYS[1])
    for one in identities._kept.values():
        one.used_at -= identity.KEEP_SECONDS + 1
    await identities.verify([there])
    assert kept(identities, KEYS[0]) is there
    assert kept(identities, KEYS[1]) is None


async def test_who_comes_back_late_is_asked_for_anew(rows):
    rows.add(KEYS[0])
    identities = Identities()
    await identities.identify(KEYS[0])
    identities._kept[session_hash(KEYS[0])].used_at -= identity.KEEP_SECONDS + 1
    await identities.identify(KEYS[0])
    assert len(rows.asked) == 2


async def test_who_is_there_but_not_kept_is_asked_for(rows, monkeypatch):
    rows.add(KEYS[0])
    rows.add(KEYS[1])
    monkeypatch.setattr(identity, "MOST_KEPT", 1)
    identities = Identities()
    there = [await identities.identify(key) for key in KEYS[:2]]
    assert kept(identities, KEYS[0]) is None
    monkeypatch.setattr(identity, "MOST_KEPT", 2)
    assert await identities.verify(there) == {}
    del rows.rows[KEYS[0]]
    assert await identities.verify(there) == {KEYS[0]: None}


async def test_a_failing_load_is_told_to_all_who_wait_and_the_next_works(rows, monkeypatch):
    def fail(keys):
        raise OSError("no database")

    identities = Identities()
    identities._gathering._load = fail
    failed = await asyncio.gather(
        *(identities.identify(key) for key in KEYS[:3]), return_exceptions=True
    )
    assert [type(one) for one in failed] == [OSError] * 3
    rows.add(KEYS[0])
    identities._gathering._load = rows.load
    assert (await identities.identify(KEYS[0])).user_id == 1


@pytest.mark.parametrize(
    ("origin", "allowed", "is_fine"),
    [
        ("https://shop.example", ["shop.example"], True),
        ("https://shop.example:8443", ["shop.example"], True),
        ("https://evil.example", ["shop.example"], False),
        ("https://shop.example.evil.example", ["shop.example"], False),
        ("https://a.shop.example", [".shop.example"], True),
        ("null", ["shop.example"], False),
        (None, ["shop.example"], False),
        (None, ["*"], True),
        ("http://[::1", ["[::1]"], False),
        ("http://[::1]:8000", ["[::1]"], True),
    ],
)
def test_origins(settings, origin, allowed, is_fine):
    settings.ALLOWED_HOSTS = allowed
    assert is_allowed_origin(origin) is is_fine


def test_no_long_origin_is_remembered(settings):
    settings.ALLOWED_HOSTS = ["*"]
    before = identity._matches.cache_info().currsize
    assert not is_allowed_origin("https://" + "x" * 1000)
    assert identity._matches.cache_info().currsize == before
