"""What the frame of every page asks: one statement, as hardly anybody has more than a cart."""

from dataclasses import dataclass
from typing import Final, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from creators.profiles.queries import creator_of, sees_all_scores
from shops.catalog.queries import managed_shops
from shops.checkout.owner import owner_of
from shops.checkout.queries import unit_count
from shops.facts.rows import ask

_ASK: Final = """
SELECT
    (SELECT coalesce(sum(l.quantity), 0)::int FROM checkout_cartline l
     JOIN checkout_cart c ON c.id = l.cart_id WHERE c.user_id = %(user)s),
    EXISTS (SELECT 1 FROM profiles_creator WHERE user_id = %(user)s),
    EXISTS (SELECT 1 FROM catalog_shopstaff WHERE user_id = %(user)s),
    EXISTS (SELECT 1 FROM accounts_grant WHERE user_id = %(user)s)
"""


@dataclass(frozen=True)
class Menu:
    """How many units are in the cart, and what else may stand in the menu."""

    units: int
    is_creator: bool
    is_staff_of_shops: bool
    has_roles: bool


def frame(request: HttpRequest) -> dict[str, object]:
    """Give all templates what is in the frame, asked for when the first of it is shown."""
    user = request.user
    menu = cast(Menu, SimpleLazyObject(lambda: _menu(request)))

    def shops() -> list[object]:
        asks = menu.is_staff_of_shops or menu.has_roles
        return list(managed_shops(user=user)) if asks else []

    return {
        "cart_count": SimpleLazyObject(lambda: menu.units),
        "my_shops": SimpleLazyObject(shops),
        "my_creator": SimpleLazyObject(lambda: creator_of(user) if menu.is_creator else None),
        "sees_all_scores": SimpleLazyObject(lambda: menu.has_roles and sees_all_scores(user)),
    }


def _menu(request: HttpRequest) -> Menu:
    if not request.user.is_authenticated:
        return Menu(unit_count(owner=owner_of(request)), False, False, False)
    [[(units, is_creator, is_staff, has_roles)]] = ask(_ASK, {"user": request.user.pk})
    return Menu(units, is_creator, is_staff, has_roles or request.user.is_superuser)
