"""Who is at a socket: a session's cookie becomes an `Identity`, without a query for who returns.

Judged as Django judges a request: the session's signature and end, the user's password hash in it
(with the fallback keys), and whether the user may still be here. Whoever fails is a guest.
Identities are kept while their sockets are open and for a while after, and `verify`, asked by the
desk's round, finds the ones that PostgreSQL no longer agrees with. A guest without a cookie costs
nothing.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlparse
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.expressions import RawSQL
from django.utils.crypto import constant_time_compare

from creators.audience.services import viewer_key
from creators.pieces.access import invites_in
from creators.stage.gathering import Gathering
from shops.accounts.models import Grant, Role, User
from shops.accounts.services import session_hash
from shops.checkout.owner import CartOwner, owner_from

AT_MOST: Final = 500
KEEP_SECONDS: Final = 60.0
MOST_KEPT: Final = 50_000
# Sessions that are known to have ended: a load that was under way must not bring one back.
_MOST_ENDED: Final = 10_000
_MOST_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class Identity:
    """`viewer` is whom counts count; `session_key` is None unless the session was found."""

    user_id: int | None
    name: str
    session_key: str | None
    session_hash: str
    cart_token: UUID | None
    invites: frozenset[int]
    is_operator: bool
    viewer: str

    @property
    def owner(self) -> CartOwner:
        if self.user_id is not None:
            return CartOwner(user_id=self.user_id)
        return CartOwner(token=self.cart_token)

    @property
    def room(self) -> str:
        """Name the room of this one's own tabs ("" when there is nothing to follow)."""
        return self.owner.room


def guest() -> Identity:
    """Return somebody whom nothing is known of; no two are the same viewer."""
    return Identity(
        user_id=None,
        name="",
        session_key=None,
        session_hash="",
        cart_token=None,
        invites=frozenset(),
        is_operator=False,
        viewer=f"s:{uuid4().hex}",
    )


@dataclass(slots=True)
class _Kept:
    """An identity with the versions of the rows that it was read from.

    PostgreSQL gives a row another `xmin` and place (`ctid`) whenever it is written.
    """

    identity: Identity
    session_version: str
    user_version: str
    used_at: float


class Identities:
    """Those who are or were just here, of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._ended: dict[str, None] = {}
        self._gathering: Gathering[str, _Kept] = Gathering(_load, at_most=AT_MOST)

    async def identify(self, session_key: str | None, *, fresh: bool = False) -> Identity:
        """Tell who has a session; `fresh` asks PostgreSQL whatever is kept.

        Ask so before something is refused: an invite or a cart may have come into the session
        since it was read.
        """
        if session_key is None or not _is_plausible(session_key):
            return guest()
        known = None if fresh else self._known(session_hash(session_key))
        return known or await self._ask(session_key) or guest()

    def _known(self, hashed: str) -> Identity | None:
        kept = self._kept.get(hashed)
        now = time.monotonic()
        if kept is None or now - kept.used_at > KEEP_SECONDS:
            # Nobody verifies what no socket uses.
            return None
        kept.used_at = now
        return kept.identity

    def signed_out(self, hashed: str) -> None:
        """Forget a session that has ended, for good."""
        self._kept.pop(hashed, None)
        self._ended[hashed] = None
        while len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    async def verify(self, in_use: Collection[Identity]) -> dict[str, Identity | None]:
        """Compare with PostgreSQL and return who is who now, by session key, where that changed.

        `in_use` are the identities of open sockets; others are dropped after a while. None: the
        session has ended, or its user may not be here any more.
        """
        now = time.monotonic()
        asked: set[str] = set()
        for identity in in_use:
            kept = self._kept.get(identity.session_hash)
            if kept is not None:
                kept.used_at = now
            elif identity.session_key is not None:
                asked.add(identity.session_key)
        for hashed, kept in list(self._kept.items()):
            if now - kept.used_at > KEEP_SECONDS:
                del self._kept[hashed]
        if self._kept:
            asked |= await database_sync_to_async(_stale, thread_sensitive=False)(
                list(self._kept.values())
            )
        await asyncio.gather(*(self._ask(session_key) for session_key in asked))
        changed: dict[str, Identity | None] = {}
        for identity in in_use:
            if identity.session_key is None:
                continue
            kept = self._kept.get(identity.session_hash)
            current = None if kept is None else kept.identity
            if current is not identity and current != identity:
                changed[identity.session_key] = current
        return changed

    async def _ask(self, session_key: str) -> Identity | None:
        hashed = session_hash(session_key)
        found = await self._gathering.one(session_key)
        kept = self._kept.pop(hashed, None)
        if found is None or hashed in self._ended:
            return None
        if kept is not None and kept.identity == found.identity:
            # Sockets of one session share one object.
            found.identity = kept.identity
        found.used_at = time.monotonic()
        self._keep(found)
        return found.identity

    def _keep(self, found: _Kept) -> None:
        self._kept[found.identity.session_hash] = found
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


_here: "WeakKeyDictionary[asyncio.AbstractEventLoop, Identities]" = WeakKeyDictionary()


def identities_here() -> Identities:
    """Return this process's identities (the running loop's: a server process has one loop)."""
    loop = asyncio.get_running_loop()
    identities = _here.get(loop)
    if identities is None:
        identities = _here[loop] = Identities()
    return identities


async def identify(session_key: str | None, *, fresh: bool = False) -> Identity:
    return await identities_here().identify(session_key, fresh=fresh)


# --- In PostgreSQL ------------------------------------------------------------------------------


def _is_plausible(session_key: str) -> bool:
    return (
        8 <= len(session_key) <= _MOST_CHARACTERS
        and session_key.isascii()
        and session_key.isalnum()
    )


def _load(session_keys: list[str]) -> dict[str, _Kept]:
    """Read sessions and their users: one query for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT session_key, session_data, xmin::text || ctid FROM django_session"
            " WHERE session_key = ANY(%s) AND expire_date > now()",
            [session_keys],
        )
        rows = cursor.fetchall()
    store = SessionStore()
    sessions: dict[str, tuple[dict[str, Any], str]] = {
        key: (store.decode(data), version) for key, data, version in rows
    }
    claims = {key: _claimed_user(data) for key, (data, _) in sessions.items()}
    users = _users({pk for pk in claims.values() if pk is not None})
    found = {}
    for key, (data, version) in sessions.items():
        claimed = claims[key]
        user = users.get(claimed) if claimed is not None else None
        if claimed is not None and (user is None or not _is_verified(user, data)):
            # To Django, too, this is nobody, and nothing else that the session has is kept.
            continue
        found[key] = _Kept(
            identity=_identity(key, data, user),
            session_version=version,
            user_version="" if user is None else _version(user),
            used_at=0.0,
        )
    return found


def _claimed_user(data: Mapping[str, Any]) -> int | None:
    if data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        pk: int | None = User._meta.pk.to_python(data.get(SESSION_KEY))
    except ValidationError:
        return None
    return pk


def _users(ids: Collection[int]) -> dict[int, User]:
    if not ids:
        return {}
    operators = Grant.objects.filter(user=OuterRef("pk"), role=Role.OPERATOR)
    # As the backend, which gives no user who is not active.
    return {
        user.pk: user
        for user in User.objects.filter(pk__in=ids, is_active=True)
        .annotate(
            is_operator=Q(is_superuser=True) | Q(Exists(operators)),
            version=RawSQL(
                "accounts_user.xmin::text || accounts_user.ctid", [], output_field=TextField()
            ),
        )
        .only("password", "display_name", "is_superuser")
    }


def _version(user: Any) -> str:
    return f"{user.version}{'o' if user.is_operator else ''}"


def _is_verified(user: User, data: Mapping[str, Any]) -> bool:
    """Check as `django.contrib.auth.get_user` that the password is still the same."""
    told: str = data.get(HASH_SESSION_KEY) or ""
    return bool(told) and (
        constant_time_compare(told, user.get_session_auth_hash())
        or any(
            constant_time_compare(told, fallback)
            for fallback in user.get_session_auth_fallback_hash()
        )
    )


def _identity(session_key: str, data: Mapping[str, Any], user: Any) -> Identity:
    owner = owner_from(user=user, session=data)
    return Identity(
        user_id=None if user is None else user.pk,
        name="" if user is None else user.display_name,
        session_key=session_key,
        session_hash=session_hash(session_key),
        cart_token=owner.token,
        invites=invites_in(data),
        is_operator=user is not None and user.is_operator,
        viewer=viewer_key(user=user, session_key=session_key),
    )


def _stale(kept: Collection[_Kept]) -> set[str]:
    """Select the sessions whose row, or whose user's, is not the one that was read any more."""
    keys = [entry.identity.session_key for entry in kept]
    versions = [entry.session_version for entry in kept]
    users = {
        (entry.identity.user_id, entry.user_version)
        for entry in kept
        if entry.identity.user_id is not None
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.session_key FROM unnest(%s::text[], %s::text[]) AS k (session_key, version)"
            " LEFT JOIN django_session AS s ON s.session_key = k.session_key"
            " AND s.xmin::text || s.ctid = k.version AND s.expire_date > now()"
            " WHERE s.session_key IS NULL",
            [keys, versions],
        )
        stale = {key for (key,) in cursor.fetchall()}
        if not users:
            return stale
        cursor.execute(
            "SELECT k.id FROM unnest(%s::bigint[], %s::text[]) AS k (id, version)"
            " LEFT JOIN accounts_user AS u ON u.id = k.id AND u.is_active"
            " AND u.xmin::text || u.ctid || CASE WHEN u.is_superuser OR EXISTS ("
            "   SELECT FROM accounts_grant AS g WHERE g.user_id = u.id AND g.role = %s"
            " ) THEN 'o' ELSE '' END = k.version"
            " WHERE u.id IS NULL",
            [[pk for pk, _ in users], [version for _, version in users], Role.OPERATOR],
        )
        other_users = {pk for (pk,) in cursor.fetchall()}
    return stale | {
        str(entry.identity.session_key) for entry in kept if entry.identity.user_id in other_users
    }


# --- Whose page it is ---------------------------------------------------------------------------


def is_allowed_origin(origin: str | None) -> bool:
    """Tell whether a page of this origin may open a socket: ALLOWED_HOSTS, as channels judges."""
    allowed = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed:
        allowed = ["localhost", "127.0.0.1", "[::1]"]
    if origin is not None and len(origin) > _LONGEST_ORIGIN:
        # What strangers say is remembered below.
        return False
    return _matches(origin, tuple(allowed))


# A host's name has 253 characters at most.
_LONGEST_ORIGIN: Final = 300
_nothing: Any = None


@lru_cache(maxsize=1024)
def _matches(origin: str | None, allowed: tuple[str, ...]) -> bool:
    try:
        parsed = None if origin is None else urlparse(origin)
        return bool(OriginValidator(_nothing, list(allowed)).valid_origin(parsed))
    except ValueError:
        return False
