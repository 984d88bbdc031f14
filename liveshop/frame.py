"""What the frame of every page asks: one statement, as hardly anybody has more than a cart."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from creators.profiles.queries import creator_of, sees_all_scores
from shops.catalog.queries import managed_shops
from shops.checkout.owner import owner_of
from shops.checkout.queries import unit_count
from shops.facts.rows import ask

# Each row tells last of whom it is.
_ASK: Final = """
SELECT
    (SELECT coalesce(sum(l.quantity), 0)::int FROM checkout_cartline l
     JOIN checkout_cart c ON c.id = l.cart_id WHERE c.user_id = u.id),
    EXISTS (SELECT 1 FROM profiles_creator WHERE user_id = u.id),
    EXISTS (SELECT 1 FROM catalog_shopstaff WHERE user_id = u.id),
    EXISTS (SELECT 1 FROM accounts_grant WHERE user_id = u.id),
    u.id
FROM unnest(%(users)s::bigint[]) AS u (id)
"""


class _Found(NamedTuple):
    """How many units are in the cart, and what else may stand in the menu."""

    units: int
    is_creator: bool
    is_staff_of_shops: bool
    has_roles: bool


class Menu:
    """The menu of one page: asked for when the first of it is shown, or with what a view asks."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.is_known = False

    @classmethod
    def of(cls, request: HttpRequest) -> "Menu":
        """Give the one menu of a request."""
        kept: Menu | None = getattr(request, "menu", None)
        if kept is None:
            kept = cls(request)
            setattr(request, "menu", kept)  # noqa: B010  # Django's requests declare no such thing
        return kept

    @classmethod
    def asked(cls, *, users: str) -> tuple[str, Mapping[str, Any]]:
        return _ASK, {"users": users}

    def hear(self, row: Sequence[Any]) -> None:
        units, is_creator, is_staff, has_roles, _user = row
        has_roles = has_roles or self._request.user.is_superuser
        self.found = _Found(units, is_creator, is_staff, has_roles)
        self.is_known = True

    @cached_property
    def found(self) -> _Found:
        if not self._request.user.is_authenticated:
            return _Found(unit_count(owner=owner_of(self._request)), False, False, False)
        [[row]] = ask(*self.asked(users=f"{{{self._request.user.pk}}}"))
        self.hear(row)
        return self.found


def frame(request: HttpRequest) -> dict[str, object]:
    """Give all templates what is in the frame."""
    user, menu = request.user, Menu.of(request)

    def shops() -> list[object]:
        asks = menu.found.is_staff_of_shops or menu.found.has_roles
        return list(managed_shops(user=user)) if asks else []

    made: dict[str, Callable[[], object]] = {
        "cart_count": lambda: menu.found.units,
        "my_shops": shops,
        "my_creator": lambda: creator_of(user) if menu.found.is_creator else None,
        "sees_all_scores": lambda: menu.found.has_roles and sees_all_scores(user),
    }
    # What nobody has asked yet is asked when it is shown: not all templates have a frame.
    return {
        name: make() if menu.is_known else SimpleLazyObject(make) for name, make in made.items()
    }
