"""Reads of users: their addresses and roles."""

from collections.abc import Sequence

from shops.accounts.models import Address, Grant, Role, User
from shops.facts.refused import NotFound


def addresses_of(user: User) -> Sequence[Address]:
    """List a user's addresses, the default one first, then the newest."""
    return list(Address.objects.filter(user=user).order_by("-is_default", "-created_at", "-pk"))


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
