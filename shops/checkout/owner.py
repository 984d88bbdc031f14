"""Whose cart: a signed-in user's, or a browser's before sign-in."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

SESSION_KEY = "cart_token"


@dataclass(frozen=True)
class CartOwner:
    """Exactly one of the two is set, or none for a browser that never had a cart."""

    user_id: int | None = None
    token: uuid.UUID | None = None

    @property
    def room(self) -> str:
        """Name the hub room of this owner's own tabs ("" when there is nothing to follow)."""
        if self.user_id is not None:
            return f"me:{self.user_id}"
        return f"cart:{self.token}" if self.token else ""


def owner_from(*, user: Any, session: Mapping[str, Any]) -> CartOwner:
    """Tell whose cart a request or a socket is about, from its user and session."""
    if user is not None and user.is_authenticated:
        return CartOwner(user_id=user.pk)
    token = session.get(SESSION_KEY)
    return CartOwner(token=uuid.UUID(token)) if token else CartOwner()


def owner_of(request: HttpRequest) -> CartOwner:
    return owner_from(user=request.user, session=request.session)


def owner_to_write(request: HttpRequest) -> CartOwner:
    """As `owner_of`, but give a browser that has none a cart token of its own."""
    owner = owner_of(request)
    if owner.user_id is None and owner.token is None:
        token = uuid.uuid4()
        request.session[SESSION_KEY] = str(token)
        return CartOwner(token=token)
    return owner
