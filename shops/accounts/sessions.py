"""Sessions with their user: one statement instead of a queryset for each, at every request.

Nothing of them is kept from one request to the next, so that a sign-out, a new password or a closed
account is true at once; only whose a session was when it was last seen, to ask for both together.
"""

from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends import db
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from shops.accounts.models import User
from shops.facts.rows import ask, columns, models

_MOST_REMEMBERED: Final = 20_000
_whose: dict[str, int] = {}


class SessionStore(db.SessionStore):
    """Django's, in its table; `user` is who is signed in by it, where that was known beforehand."""

    user: User | None = None

    def load(self) -> dict[str, Any]:
        key = str(self.session_key)
        if "\0" in key:
            # A quoted cookie may hold one; no text of PostgreSQL does.
            self._session_key = None
            return {}
        sql = (
            f"SELECT s.session_data, {columns(User, 'u')}"  # noqa: S608  # nobody's input
            " FROM django_session s LEFT JOIN accounts_user u ON u.id = %(user)s::bigint"
            " WHERE s.session_key = %(key)s AND s.expire_date > %(now)s"
        )
        [rows] = ask(sql, {"key": key, "user": _whose.get(key), "now": datetime.now(UTC)})
        if not rows:
            self._session_key = None
            return {}
        [(data, *user)] = rows
        found = _decoded(data)
        # Most hold nothing but who is signed in.
        is_flat = all(isinstance(value, str) for value in found.values())
        found = dict(found) if is_flat else deepcopy(found)
        pk = _number(found.get(SESSION_KEY))
        if pk is not None and pk != user[0]:
            # Seen for the first time here, or somebody else has signed in by it.
            sql = f"SELECT {columns(User, 'u')} FROM accounts_user u WHERE u.id = %(user)s"  # noqa: S608
            [users] = ask(sql, {"user": pk})
            user = users[0] if users else [None]
        self.user = models(User, [user])[0] if pk is not None and user[0] == pk else None
        _remember(key, pk)
        return found


class UserMiddleware(AuthenticationMiddleware):
    """Django's, which reads no user that came with the session."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = cast(User, SimpleLazyObject(lambda: _user_of(request)))


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    """Tell who is signed in; whoever has not plainly the right to be is left to Django."""
    session = request.session
    signed = str(session.get(HASH_SESSION_KEY, ""))  # reads the session, and so its user
    user = getattr(session, "user", None)
    if (
        user is not None
        and user.is_active
        and session.get(SESSION_KEY) == str(user.pk)
        # All of ours find users by their key alone.
        and session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(signed, user.get_session_auth_hash())
    ):
        return cast(User, user)
    return get_user(request)


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _remember(key: str, user: int | None) -> None:
    if user is None:
        _whose.pop(key, None)
        return
    if len(_whose) >= _MOST_REMEMBERED:
        _whose.clear()
    _whose[key] = user


# What a session holds is signed: it is worked out anew only when it has changed.
@lru_cache(maxsize=4096)
def _decoded(data: str) -> dict[str, Any]:
    found: dict[str, Any] = db.SessionStore().decode(data)
    return found
