"""Reads of users: their addresses and roles."""

from collections.abc import Sequence
from typing import Final

from shops.accounts.models import Address, Grant, Role, User
from shops.facts.refused import NotFound
from shops.facts.rows import ask, columns, models


def addresses_of(user: User) -> Sequence[Address]:
    """List a user's addresses, the default one first, then the newest."""
    return list(Address.objects.filter(user=user).order_by("-is_default", "-created_at", "-pk"))


_TO_CHOOSE: Final = f"""
SELECT {columns(Address, "a")}, a.user_id FROM accounts_address a
WHERE a.user_id {{of}} ORDER BY a.is_default DESC, a.id DESC
"""  # noqa: S608  # columns of a model
ADDRESSES_TO_CHOOSE: Final = _TO_CHOOSE.format(of="= %(user)s::bigint")
# Each row tells last whose it is.
ADDRESSES_OF_USERS: Final = _TO_CHOOSE.format(of="= ANY(%(users)s::bigint[])")


def addresses_to_choose(user: User) -> list[Address]:
    """List a user's addresses as checkout offers them: in plain SQL, as each order passes."""
    [rows] = ask(ADDRESSES_TO_CHOOSE, {"user": user.pk})
    return models(Address, rows)


def address_of(user: User, address_id: int) -> Address:
    """Find one address of a user.

    :raises NotFound: the user has no such address
    """
    address = Address.objects.filter(user=user, pk=address_id).first()
    if address is None:
        raise NotFound
    return address


def roles_of(user: User) -> Sequence[Role]:
    """List the roles that a user was given; everybody is a viewer besides."""
    given = set(Grant.objects.filter(user=user).values_list("role", flat=True))
    return [role for role in Role if role == Role.VIEWER or role in given]


def has_role(user: User, role: Role) -> bool:
    """Say if a user was given a role."""
    return role == Role.VIEWER or Grant.objects.filter(user=user, role=role).exists()
